"""A table of the dictionary is marked as planned if and only if no command writes it."""

from types import SimpleNamespace

import pytest

from jobs.base.errors import WrongUsage
from jobs.commands.conform import Conform
from jobs.reporting.dictionary_page import dictionary_page
from jobs.reporting.pages import render
from schemas import OUTPUT_TABLES, TABLES
from schemas.dictionary import page
from tests.wheels import PROJECT

CODE = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "jobs").rglob("*.py"))
PLANNED = {table.name for table in TABLES.values() if table.is_planned}


def test_a_table_is_planned_until_code_names_it():
    assert PLANNED == {table.name for table in OUTPUT_TABLES if table.name not in CODE}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_the_dictionary_marks_it(table):
    (section,) = [part for part in page().split("\n## ") if part.startswith(f"`{table.name}`")]
    assert ("Planned: no command writes this table yet." in section) == table.is_planned


def test_the_page_of_the_dictionary_marks_it(xianghubao):
    html = render(dictionary_page(SimpleNamespace(platform=xianghubao), ()))
    assert html.count("Planned: no command writes it yet.") == len(PLANNED)
    assert html.count("计划中，尚无命令写入。") == len(PLANNED)


def test_conform_skips_planned_tables():
    """The lake of this test has no table, so conform checks each name once."""
    names = []
    lake = SimpleNamespace(exists=names.append)
    with pytest.raises(WrongUsage, match="none of the output tables"):
        Conform(False).read(SimpleNamespace(lake_root="lake"), lake)
    assert set(names) == {table.name for table in OUTPUT_TABLES} - PLANNED


def test_the_dictionary_says_that_narrower_integers_are_widened():
    head = page().split("\n## ")[0]
    assert "narrower than BIGINT: it is widened" in head
