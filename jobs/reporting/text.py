"""The parts that a page consists of, and numbers as cells. Nothing here depends on the report."""

from dataclasses import dataclass, field

from jobs.base.catalogue import Text
from jobs.money import in_percent, in_yuan

DASH = "–"  # no value, or one that is not shown
SHORT_LENGTH = 32  # a longer cell is a sentence and may be wrapped


class Number(str):
    """A number as it is shown: set flush right."""


class English(str):
    """Text that is English in both languages of the page: a column's name or its meaning."""


def money(fen: int | None) -> Number:
    """An amount in yuan; a dash for None."""
    return Number(DASH if fen is None else in_yuan(fen))


def signed(fen: int) -> Number:
    """A change of an amount, in yuan."""
    return Number(f"+{in_yuan(fen)}" if fen > 0 else in_yuan(fen))


def number(count: int | None) -> Number:
    """A whole number; a dash for None."""
    return Number(DASH if count is None else f"{count:,}")


def masked_number(count: int | None, may_be_hidden: bool) -> Number:
    """A head count of a masked group; a dash instead of zero where people of the group may be counted elsewhere."""
    return number(None if may_be_hidden and not count else count or 0)


def percent(part: int, whole: int) -> Number:
    """A part in per cent with one decimal, half up; a dash if the whole is zero."""
    return Number(in_percent(part, whole) if whole > 0 else DASH)


@dataclass(frozen=True)
class Table:
    """A table: cells are Text (by language), Number (flush right), English, or text from the data (shown as it is)."""

    caption: Text
    columns: tuple[Text | str, ...]
    rows: tuple[tuple, ...]
    note: Text | None = None

    kind = "table"

    @property
    def numeric(self) -> tuple[int, ...]:
        """The columns of numbers, counted from 1; the first column names the row and is never one of them."""
        return tuple(
            index + 1
            for index in range(1, len(self.columns))
            if self.rows and all(isinstance(row[index], Number) for row in self.rows)
        )

    @property
    def prose(self) -> tuple[int, ...]:
        """The columns with whole sentences, which may be wrapped; counted from 1."""
        columns = range(len(self.columns))
        return tuple(i + 1 for i in columns if any(_length(row[i]) > SHORT_LENGTH for row in self.rows))


def _length(cell: Text | str) -> int:
    return len(cell) if isinstance(cell, str) else max(map(len, cell))


@dataclass(frozen=True)
class Figure:
    """A plot, drawn once for each language, and its description for screen readers."""

    caption: Text
    description: Text
    svg: Text

    kind = "figure"


@dataclass(frozen=True)
class Facts:
    """The few key figures: (name, value)."""

    items: tuple[tuple[Text, str | Text], ...]

    kind = "facts"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: Text

    kind = "paragraph"


@dataclass(frozen=True)
class Links:
    """Links to other pages of the report: (file, label)."""

    items: tuple[tuple[str, Text], ...]

    kind = "links"


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading."""

    title: Text
    parts: tuple
    anchor: str = ""


@dataclass(frozen=True)
class Page:
    """A page: its file, title, lead, sections and links in the header."""

    file: str
    title: Text
    lead: Text
    sections: tuple[Section, ...]
    links: tuple[tuple[str, Text], ...] = field(default=())
