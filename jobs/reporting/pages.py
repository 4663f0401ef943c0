"""Pages: one template, one style, one script, all inside the file. Every word from the data is escaped and isolated."""

import base64
import hashlib
import unicodedata
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from jobs.lake.small import SmallTables
from jobs.lake.storage import write_text
from jobs.reporting.text import English, Page, Text

FOLDER = "report/html"
COLUMN_COUNT_MAX = 16
WORDS = {
    "skip": Text("跳到正文", "Skip to the text"),
    "pages": Text("页面", "Pages"),
    "no_rows": Text("没有记录", "nothing to show"),
    "footer": Text(
        "金额单位：元。由 Fentan 根据已发布的结算结果生成；同一期重新生成，结果相同。",
        "Amounts in yuan. Made by Fentan from published settlements; made again for the same period, it says the same.",
    ),
}
# Characters that turn the direction of text or hide in it: shown as what they are, never obeyed.
INVISIBLE = {
    code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)
}
RUNS_LEFT = ("R", "AL", "AN")


def render(page: Page) -> str:
    """The page as one HTML file that needs nothing else."""
    script = _asset("page.js")
    return _environment().get_template("page.html.j2").render(
        page=page,
        words=WORDS,
        style=Markup(_asset("page.css") + _columns()),
        script=Markup(script),
        script_hash=Markup("sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()),
    )  # fmt: skip


def write_pages(small: SmallTables, pages: list[Page]) -> list[str]:
    """Writes pages into the lake's report/html; gives their paths."""
    return [write_text(small, f"{FOLDER}/{page.file}", render(page)) for page in pages]


def shown(value) -> Markup:
    """Text as text: escaped, and isolated where it runs from the right."""
    text = str(value)
    runs_left = any(unicodedata.bidirectional(character) in RUNS_LEFT for character in text)
    return Markup("<bdi>{}</bdi>").format(text) if runs_left else escape(text)


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


def _columns() -> str:
    """Columns of numbers are flush right; columns of sentences run over several lines."""
    numbers = range(1, COLUMN_COUNT_MAX + 1)
    right = ",".join(f".n{n} td:nth-child({n}),.n{n} thead th:nth-child({n})" for n in numbers)
    prose = ",".join(f".p{n} tbody>tr>:nth-child({n})" for n in numbers)
    wrapped = f"{prose}{{white-space:normal}}@media screen{{{prose}{{min-width:15rem}}}}"
    return f"{right}{{text-align:right}}{wrapped}"
