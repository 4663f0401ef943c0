"""The `fentan` command, also the script of `spark-submit jobs/cli.py COMMAND`: its commands and exit codes."""

import argparse
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import date

from jobs.errors import Stop, unexpected
from jobs.pipeline.outcome import Outcome
from jobs.version import program_version

# Each command is the module of its name in jobs/commands, with EXAMPLES, add_arguments and run.
COMMANDS = {
    "demo": "make a small world and settle several whole periods of it",
    "generate": "make sample sources of any size, calibrated to the published figures",
    "check": "judge a period's sources by the quality gate, without settling",
    "preview": "show what settling a period would charge, without publishing anything",
    "settle": "settle a period: check, apportion, write, read back, publish",
    "collect": "allocate a period's receipts to its bills: shares paid, arrears, lapses, aid paid, fee received",
    "close": "close a collected period: fee expenditure, balances carried forward; it never changes again",
    "run": "settle, collect and close a range of periods in the order of their days, resuming where it stopped",
    "report": "make the publicity notice and the report of a period, the report of a year, or the index of all",
    "explain": "explain one member's period step by step, or a year of a member or a payer",
    "conform": "check a lake's output tables against the data dictionary: columns, types, partitions, readers, keys",
    "views": "print, or create in Spark's catalog, views that show published rows only",
    "status": "show the periods of a lake, their states, and its last runs",
}

EXIT_CODES = """exit codes:
  0 done or nothing to do      2 wrong usage or configuration   3 stopped by the quality gate
  4 refused (closed, or settled from other inputs, or not its turn)   5 another run holds the lake
  6 integrity broken, nothing was published                     1 anything else"""


class Terminated(KeyboardInterrupt):
    """SIGTERM; it ends a command as Ctrl-C does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; a Stop is shown as one line, without a stack trace."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    args = _parser(arguments).parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    try:
        outcome = importlib.import_module(f"jobs.commands.{args.command}").run(args)
    except Stop as stop:
        return _show_stop(stop, args)
    except KeyboardInterrupt as interrupt:
        return _show_interrupted(interrupt, args)
    except Exception as error:  # the user sees one line
        return _show_stop(unexpected(error), args)
    _show(outcome, args)
    return outcome.exit_code


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fentan",
        description="Settles mutual-aid plans: from members and approved claims to shares, bills and the fee ledger.",
        epilog=f"example:\n  fentan demo --lake ./lake\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fentan {program_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if arguments[:1] == [name]:  # importing every command's module would make all of them slow to start
            _complete(command, name)
    return parser


def _complete(command: argparse.ArgumentParser, name: str) -> None:
    module = importlib.import_module(f"jobs.commands.{name}")
    command.epilog = f"examples:\n{module.EXAMPLES}\n\n{EXIT_CODES}"
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    _add_common_arguments(command, lake_default="lake" if name == "demo" else os.environ.get("FENTAN_LAKE"))
    module.add_arguments(command)


def _add_common_arguments(command: argparse.ArgumentParser, lake_default: str | None) -> None:
    command.add_argument(
        "--lake", default=lake_default, required=lake_default is None, metavar="PATH", help="root folder of the lake"
    )
    command.add_argument(
        "--conf", metavar="FILE", help="environment conf, a TOML file (default: the shipped local.toml)"
    )
    command.add_argument(
        "--platform",
        metavar="ID",
        help="platform of the lake (default: its own; for a new lake, the conf's)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    command.add_argument(
        "--as-of",
        type=_date,
        metavar="DATE",
        help="the day to take as today (default: today in the platform's time zone)",
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it like 2020-12-07") from error


def print_result(text: str) -> None:
    """Prints to stdout. A pipe that its reader closed early (`| head`) is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at the end would fail again


def _show(outcome: Outcome, args: argparse.Namespace) -> None:
    if args.json:
        print_result(json.dumps(outcome.document, ensure_ascii=False, indent=2, default=str))
    else:
        print_result(outcome.text)
    for message in outcome.messages:
        print(f"fentan {args.command}: {message}", file=sys.stderr)


def _show_interrupted(interrupt: KeyboardInterrupt, args: argparse.Namespace) -> int:
    """Reports SIGINT or SIGTERM and returns the exit code."""
    exit_code = 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)
    message = (
        "Interrupted. Readers see nothing that was not published. Run it again: what is published is not done twice; "
        "`fentan status` shows it."
    )
    if args.json:
        print_result(json.dumps({"command": args.command, "exit_code": exit_code, "error": message}))
    print(f"fentan {args.command}: {message}", file=sys.stderr)
    return exit_code


def _terminate(*_) -> None:
    raise Terminated


def _show_stop(stop: Stop, args: argparse.Namespace) -> int:
    if args.json:
        print_result(
            json.dumps({"command": args.command, "exit_code": stop.exit_code, "error": str(stop)}, ensure_ascii=False)
        )
    print(f"fentan {args.command}: {stop}", file=sys.stderr)
    return stop.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
