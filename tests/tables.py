"""Tables written in text, for people: cells between bars, numbers with or without commas."""

import re

WHOLE_NUMBER = re.compile(r"-?[0-9][0-9,]*")


def rows_of(lines: str | list[str]) -> list[dict]:
    """The rows under a header, by its names; a cell of digits is a number, an empty one is an empty text."""
    if isinstance(lines, str):
        lines = [line for line in lines.splitlines() if line.strip()]
    header, *body = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [dict(zip(header, map(_value, cells), strict=True)) for cells in body]


def _value(cell: str) -> int | str:
    return int(cell.replace(",", "")) if WHOLE_NUMBER.fullmatch(cell) else cell
