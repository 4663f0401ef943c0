"""Pages as HTML: template, style and script are inside the file. Text from the data is escaped and isolated."""

import base64
import hashlib
import unicodedata
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from jobs.base.catalogue import catalogue
from jobs.lake.small import SmallTables
from jobs.lake.storage import write_text
from jobs.reporting.text import English, Page

PAGE = catalogue("jobs.reporting", "page")
FOLDER = "report/html"
COLUMN_COUNT_MAX = 16
# Characters that change the direction of text or are invisible: shown by their code, never obeyed.
INVISIBLE = {
    code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)
}
RIGHT_TO_LEFT = ("R", "AL", "AN")


def render(page: Page) -> str:
    """The page as one HTML file that refers to no other resource."""
    script = _asset("page.js")
    return _environment().get_template("page.html.j2").render(
        page=page,
        words={
            "skip": PAGE["skip"], "pages": PAGE["pages"], "no_rows": PAGE["no_rows"], "footer": PAGE["footer"],
        },
        style=Markup(_asset("page.css") + _column_styles()),
        script=Markup(script),
        script_hash=Markup("sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()),
    )  # fmt: skip


def write_pages(small: SmallTables, pages: list[Page]) -> list[str]:
    """Writes pages into the lake's report/html; returns their paths."""
    return [write_text(small, f"{FOLDER}/{page.file}", render(page)) for page in pages]


def shown(value) -> Markup:
    """Escaped text, isolated if it contains characters that run from right to left."""
    text = str(value)
    is_right_to_left = any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in text)
    return Markup("<bdi>{}</bdi>").format(text) if is_right_to_left else escape(text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=select_autoescape(default=True, default_for_string=True),
        finalize=lambda value: value.translate(INVISIBLE) if isinstance(value, str) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    environment.tests["english"] = lambda value: isinstance(value, English)
    environment.filters["first_upper"] = lambda text: text[:1].upper() + text[1:]
    return environment


@cache
def _asset(name: str) -> str:
    return files("jobs.reporting").joinpath("templates").joinpath(name).read_text(encoding="utf-8")


def _column_styles() -> str:
    """Columns of numbers are flush right; columns of sentences are wrapped."""
    numbers = range(1, COLUMN_COUNT_MAX + 1)
    right = ",".join(f".n{n} td:nth-child({n}),.n{n} thead th:nth-child({n})" for n in numbers)
    prose = ",".join(f".p{n} tbody>tr>:nth-child({n})" for n in numbers)
    wrapped = f"{prose}{{white-space:normal}}@media screen{{{prose}{{min-width:15rem}}}}"
    return f"{right}{{text-align:right}}{wrapped}"
