"""Words in two languages, and the parts a page is made of. Nothing here knows what is reported."""

from dataclasses import dataclass, field
from typing import NamedTuple

from jobs.money import in_percent
from jobs.pipeline.amounts import yuan

LANGUAGES = ("zh", "en")


SHORT_LENGTH = 32  # longer words of a cell are a sentence


class Text(NamedTuple):
    """The same words in Chinese and in English."""

    zh: str
    en: str

    def format(self, **values) -> "Text":
        """Both with their {names} filled in; a value may itself be a Text."""
        of = lambda language: {k: getattr(v, language) if isinstance(v, Text) else v for k, v in values.items()}  # noqa: E731
        return Text(self.zh.format(**of("zh")), self.en.format(**of("en")))


class Number(str):
    """A cell that is a number as it is shown: set flush right."""


class English(str):
    """Text that is English in either language of the page: a name of a column, its meaning."""


def money(fen: int | None) -> Number:
    """An amount in yuan."""
    return Number("–" if fen is None else yuan(fen))


def signed(fen: int) -> Number:
    """A change of an amount in yuan."""
    return Number(f"+{yuan(fen)}" if fen > 0 else yuan(fen))


def number(count: int | None) -> Number:
    """A whole number."""
    return Number("–" if count is None else f"{count:,}")


def percent(part: int, whole: int) -> Number:
    """A part in per cent with one decimal, half up; a dash where there is no whole."""
    return Number(in_percent(part, whole) if whole > 0 else "–")


@dataclass(frozen=True)
class Table:
    """A table: cells are Text (by language), Number (flush right), English, or text from the data (shown as it is)."""

    caption: Text
    columns: tuple[Text, ...]
    rows: tuple[tuple, ...]
    note: Text | None = None

    kind = "table"

    @property
    def numeric(self) -> tuple[int, ...]:
        """The columns of numbers after the first, which names the row; counted from 1."""
        return tuple(
            index + 1
            for index in range(1, len(self.columns))
            if self.rows and all(isinstance(row[index], Number) for row in self.rows)
        )

    @property
    def prose(self) -> tuple[int, ...]:
        """The columns that hold whole sentences, which may run over several lines; counted from 1."""
        columns = range(len(self.columns))
        return tuple(i + 1 for i in columns if any(_length(row[i]) > SHORT_LENGTH for row in self.rows))


def _length(cell: Text | str) -> int:
    return len(cell) if isinstance(cell, str) else max(map(len, cell))


@dataclass(frozen=True)
class Figure:
    """A plot, drawn once for each language, with what a screen reader says instead of it."""

    caption: Text
    description: Text
    svg: Text

    kind = "figure"


@dataclass(frozen=True)
class Facts:
    """The few numbers that matter most: (what, how much)."""

    items: tuple[tuple[Text, str | Text], ...]

    kind = "facts"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: Text

    kind = "paragraph"


@dataclass(frozen=True)
class Links:
    """Links to other pages of the report: (file, words)."""

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
    """A page: the file it is in, title, lead, sections."""

    file: str
    title: Text
    lead: Text
    sections: tuple[Section, ...]
    links: tuple[tuple[str, Text], ...] = field(default=())
