"""Options that several commands share."""

import argparse
import re
from decimal import Decimal

UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


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


def member_count(text: str) -> int:
    """A count of members: 1_000_000, 100k, 1.5m."""
    match = re.fullmatch(r"([0-9][0-9_]*(?:\.[0-9]+)?)([km]?)", text.lower())
    count = Decimal(match[1].replace("_", "")) * UNITS[match[2]] if match else Decimal(0)
    if count < 1 or count != int(count):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of members; write it like 100k, 1_000_000 or 1m")
    return int(count)


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
