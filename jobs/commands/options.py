"""Options that several commands share."""

import argparse
import re


def add_period_arguments(command: argparse.ArgumentParser) -> None:
    """--period and --plan, for the commands that work on one period."""
    command.add_argument("--period", required=True, metavar="P", help="settlement period, e.g. 2020-12-P1")
    command.add_argument(
        "--plan",
        nargs="+",
        action="extend",
        metavar="ID",
        help="only these plans (default: all with members or claims)",
    )


def add_accept_lapses(command: argparse.ArgumentParser) -> None:
    """--accept-lapses, for the commands that collect."""
    command.add_argument(
        "--accept-lapses",
        type=count,
        metavar="N",
        help="consent to up to N lapses in all if a collection stops because so many members would lapse",
    )


def count(text: str) -> int:
    """A count, written in digits."""
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; write it in digits only")
    return int(text)


def person_id(text: str) -> int:
    """The id of a member or a payer, as in the tables (BIGINT)."""
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) >= 1 << 63:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a member or payer; write it in digits only")
    return int(text)


def calendar_year(text: str) -> int:
    """A calendar year of four digits."""
    if not re.fullmatch(r"[0-9]{4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a year; write it like 2020")
    return int(text)
