"""Report pages: data is escaped, nothing is loaded from other places, both languages are present."""

import re
from html.parser import HTMLParser

import pytest

from jobs.reporting.pages import render
from jobs.reporting.plots import bars, figure
from jobs.reporting.text import Facts, Number, Page, Section, Table, Text, money, percent, signed

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'{{7*7}}"
ARABIC = "خطة المساعدة"
OVERRIDE = "safe\u202etxt.exe"


def page_with(name: str) -> Page:
    words = Text(name, name)
    drawn = figure(words, words, lambda _: bars([{"what": name, "value": 1, "label": name}], name))
    table = Table(words, (words, words), ((name, Number("1")), (words, Number("2"))), words)
    return Page(
        "x.html", words, words, (Section(words, (Facts(((words, name),)), table, drawn)),), (("y.html", words),)
    )


@pytest.mark.parametrize("hostile", [HOSTILE, ARABIC, OVERRIDE, "]]>", "<svg onload=alert(3)>"])
def test_hostile_text_stays_text(hostile):
    html = render(page_with(hostile))
    clean = render(page_with("plain"))
    assert elements_of(html) - {"bdi"} == elements_of(clean)
    assert html.count("<script") == clean.count("<script") == 1


def elements_of(html: str) -> set[str]:
    """The element and attribute names of a page, as a browser parses them."""
    names = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: names.update({tag, *(f"@{name}" for name, _ in attributes)})
    parser.feed(html)
    return names


def test_right_to_left_text_is_isolated_and_direction_marks_are_visible():
    assert f"<bdi>{ARABIC}</bdi>" in render(page_with(ARABIC))
    html = render(page_with(OVERRIDE))
    assert "safe[U+202E]txt.exe" in html
    assert "\u202e" not in html


def test_a_page_loads_nothing_from_other_places():
    html = render(page_with("plain"))
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"(src|href)=\"(?!y\.html|#|data:)", html)
    assert "default-src 'none'" in html


def test_every_figure_has_a_description_in_both_languages():
    html = render(page_with("plain"))
    assert html.count('role="img" aria-label="plain"') == 2
    assert html.count("<svg") == 2


def test_amounts_are_formatted_from_whole_fen():
    assert [money(483), money(-5), money(None), signed(483), signed(-1), signed(0)] == [
        "4.83", "-0.05", "–", "+4.83", "-0.01", "0.00",
    ]  # fmt: skip
    assert [percent(1, 3), percent(2, 3), percent(1, 0), percent(-1, 10)] == ["33.3%", "66.7%", "–", "-10.0%"]
