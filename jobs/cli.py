"""The `fentan` command, and what `spark-submit jobs/cli.py COMMAND` runs: its commands, and the exit codes of
`jobs.errors`."""

import argparse
import gc
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

# The commands: each is a module of its name in jobs/commands, with EXAMPLES, add_arguments and run.
COMMANDS = {
    "demo": "make a small world and settle several whole periods of it",
    "generate": "make sample sources of any size, calibrated to the published figures",
    "check": "judge a period's sources by the quality gate, without settling",
    "preview": "show what settling a period would charge, without publishing anything",
    "settle": "settle a period: check, apportion, write, read back, publish",
    "collect": "match a period's receipts to its bills: shares met, arrears, lapses, aid paid, fee received",
    "close": "close a collected period: uses of the fee, balances carried forward; it never changes again",
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
    """SIGTERM, which ends a command as Ctrl-C does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; errors of the user are shown without a stack trace."""
    gc.set_threshold(100_000)  # imports and rules are many objects that are never garbage: a tenth of a second less
    words = list(sys.argv[1:] if argv is None else argv)
    args = _parser(words).parse_args(words)
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


def _parser(words: list[str]) -> argparse.ArgumentParser:
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
        if words[:1] == [name]:  # to know a command's options its module is imported: only the one that is asked for
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
        help="platform of the lake (default: its own; of a new lake, the conf's)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    command.add_argument(
        "--as-of",
        type=_date,
        metavar="DATE",
        help="the day it is, as the rules see it (default: today in the platform's time zone)",
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it like 2020-12-07") from error


def tell(text: str) -> None:
    """Prints to stdout. A reader who has seen enough and closed the pipe (`| head`) is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at the end would fail again


def _show(outcome: Outcome, args: argparse.Namespace) -> None:
    if args.json:
        tell(json.dumps(outcome.document, ensure_ascii=False, indent=2, default=str))
    else:
        tell(outcome.text)
    for message in outcome.messages:
        print(f"fentan {args.command}: {message}", file=sys.stderr)


def _show_interrupted(interrupt: KeyboardInterrupt, args: argparse.Namespace) -> int:
    """SIGINT and SIGTERM: what was not published is not there; the next command goes on."""
    exit_code = 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)
    told = (
        "Interrupted. What it had not published is not there for any reader. Run it again: what is published is not "
        "done twice; `fentan status` shows it."
    )
    if args.json:
        tell(json.dumps({"command": args.command, "exit_code": exit_code, "error": told}))
    print(f"fentan {args.command}: {told}", file=sys.stderr)
    return exit_code


def _terminate(*_) -> None:
    raise Terminated


def _show_stop(stop: Stop, args: argparse.Namespace) -> int:
    if args.json:
        tell(json.dumps({"command": args.command, "exit_code": stop.exit_code, "error": str(stop)}, ensure_ascii=False))
    print(f"fentan {args.command}: {stop}", file=sys.stderr)
    return stop.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
