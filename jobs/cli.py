"""The program `fentan`, also run by `spark-submit jobs/cli.py COMMAND`: its commands, output and exit codes."""

import argparse
import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import date

import start_fentan  # noqa: F401, first: it puts our packages before others of the same names
from jobs.base import process
from jobs.base.environment import LOG_VALUES, load_environment
from jobs.base.errors import Stop, WrongUsage, unexpected
from jobs.base.logs import close_log, end_display, open_log
from jobs.base.progress import LOGGER, add_context, logged_as
from jobs.base.version import program_version
from jobs.pipeline.outcome import Outcome

# Each command is a module of that name in jobs/commands, with EXAMPLES, add_arguments and run.
COMMANDS = {
    "demo": "make a sample world, live through two whole periods of it and show the results",
    "generate": "make sample sources of any size, calibrated to the published figures",
    "check": "judge a period's sources by the quality gate, without settling",
    "preview": "show what settling a period would charge, without publishing anything",
    "approve": "record who approves the digest that a preview shows, before it is settled",
    "settle": "settle a period: check, apportion, write, read back, publish",
    "collect": "allocate a period's receipts to its bills: shares met, arrears, lapses, aid paid, fee received",
    "close": "close a collected period: post fee expenditure and carry balances forward; it never changes again",
    "withdraw": "take back a settlement of which nothing was collected, so that its period is settled again",
    "quarantine": "show the rows held back, and decide on them: release or waive, by whom and why",
    "correct": "settle a closed period again and post the signed differences into the first period not settled yet",
    "run": "settle, collect and close a range of periods in date order, resuming where it stopped",
    "report": "make the publicity notice and the report of a period, the report of a year, or the index of all reports",
    "explain": "explain one member's period step by step, or one year of a member or a payer",
    "conform": "check a lake's output tables against the data dictionary: columns, types, partitions, readers, keys",
    "views": "print, or create in Spark's catalog, views that show published rows only",
    "status": "show the stages of a lake's periods, its last runs, what is held, what can be done next",
}

LOG_FORMAT_VARIABLE = "FENTAN_LOG_FORMAT"

EXIT_CODES = """exit codes:
  0 done or nothing to do      2 wrong usage or configuration   3 stopped by the quality gate
  4 refused (closed, or settled from other inputs, or not its turn)   5 another run holds the lake
  6 integrity broken, nothing was published                     1 anything else
  130, 143 interrupted by SIGINT or SIGTERM"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; a stop is shown as one message, without a stack trace.

    Without `argv` it is the program: its words are those of the process, whose streams and signals it uses.
    """
    gc.set_threshold(100_000)  # imports and rules are many objects that are never garbage: saves a tenth of a second
    if argv is None:
        process.use_utf8()
        process.protect_streams()
        process.raise_signals()
    words = list(sys.argv[1:] if argv is None else argv)
    args = argparse.Namespace(command=words[0] if words else None, json="--json" in words)  # until they are parsed
    with logged_as(job=args.command, period=None, run_id=None):
        try:
            open_log("json" if os.environ.get(LOG_FORMAT_VARIABLE) == "json" else "text", "warning")
            return _run(_parser(words).parse_args(words, args))
        except Stop as stop:
            return _show_stop(stop, args)
        except KeyboardInterrupt as interrupt:
            return _show_interrupted(interrupt, args)
        except Exception as error:
            interruption = process.interruption()  # an error after it is a consequence of it
            return _show_interrupted(interruption, args) if interruption else _show_stop(unexpected(error), args)
        finally:
            process.ignore_signals()
            close_log()


def _run(args: argparse.Namespace) -> int:
    environment = load_environment(args.conf)
    open_log(_log_format(environment.log_format), environment.log_level)
    add_context(period=getattr(args, "period", None))
    outcome = importlib.import_module(f"jobs.commands.{args.command}").run(args)
    return _show(outcome, args)


def _log_format(conf_format: str) -> str:
    """The format that the environment variable names, otherwise the conf's; raises WrongUsage."""
    log_format = os.environ.get(LOG_FORMAT_VARIABLE) or conf_format
    if log_format not in LOG_VALUES["format"]:
        raise WrongUsage(
            f"{LOG_FORMAT_VARIABLE} is {log_format}; it must be {' or '.join(LOG_VALUES['format'])}. Nothing was done. "
            "Correct or unset it."
        )
    return log_format


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
        if words[:1] == [name]:  # a command's options are in its module: only the requested one is imported
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
        help="platform of the lake (default: the lake's own; for a new lake, the conf's)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    command.add_argument(
        "--as-of",
        type=_date,
        metavar="DATE",
        help="the date that the rules take as today (default: today in the platform's time zone)",
    )


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it like 2020-12-07") from error


def write_result(text: str) -> bool:
    """Writes to stdout; returns False if that failed. A reader that closes the pipe (`| head`) is not a failure."""
    try:
        print(text, flush=True)
        return True
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise the flush at the end would fail too
        if isinstance(error, BrokenPipeError):
            return True
        LOGGER.error(
            "The result could not be written to standard output (%s). What was published is published; `fentan status` "
            "shows it. Repeat the command with another destination to see its result.",
            error.strerror,
        )
        return False


def _show(outcome: Outcome, args: argparse.Namespace) -> int:
    end_display()
    document = json.dumps(outcome.document, ensure_ascii=False, indent=2, default=str) if args.json else outcome.text
    is_written = write_result(document)
    for message in outcome.messages:
        LOGGER.warning(message)
    return outcome.exit_code or (0 if is_written else 1)


def _show_stop(stop: Stop, args: argparse.Namespace) -> int:
    return _show_error(str(stop), stop.exit_code, args)


def _show_interrupted(interrupt: KeyboardInterrupt, args: argparse.Namespace) -> int:
    process.end_writers()
    exit_code = interrupt.exit_code if isinstance(interrupt, process.Interrupted) else 128 + signal.SIGINT
    by_signal = f" by {interrupt}" if str(interrupt) else ""
    (not_done, *_) = getattr(interrupt, "__notes__", ["What was not published yet is not visible to any reader."])
    return _show_error(
        f"Interrupted{by_signal}. {not_done} Run it again: what is published is not done twice; `fentan status` shows "
        "it.",
        exit_code,
        args,
    )


def _show_error(message: str, exit_code: int, args: argparse.Namespace) -> int:
    end_display()
    if args.json:
        write_result(
            json.dumps({"command": args.command, "exit_code": exit_code, "error": message}, ensure_ascii=False)
        )
    LOGGER.error(message)
    return exit_code


if __name__ == "__main__":
    raise SystemExit(main())
