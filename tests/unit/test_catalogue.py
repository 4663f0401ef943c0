"""Catalogues of texts: both languages everywhere, no unused text, no key without a text. Also the reports' measures."""

import ast
import re
from pathlib import Path

import pytest

from jobs.base.catalogue import Catalogue, CatalogueError, Text, _entry, catalogue
from jobs.base.strict import Fault
from jobs.explaining import steps
from jobs.reporting import annual_published
from jobs.reporting.explain_page import STEP_NAMES
from jobs.reporting.measures import ANNUAL, PERIOD, UnknownMeasure
from jobs.rulebook.published_figures import YEAR_MEASURES, published_figures
from schemas.codes import PROVINCES

JOBS = Path(__file__).resolve().parents[2] / "jobs"
SUBJECTS = sorted((f"jobs.{path.parts[-3]}", path.stem) for path in JOBS.rglob("texts/*.toml"))
BY_DATA = {("jobs.reporting", "codes"), ("jobs.reporting", "places"), ("jobs.explaining", "sentences")}


def keys_in(package: str, subject: str) -> set[str]:
    """The keys and groups of a catalogue that the modules of its package name."""
    used = set()
    for path in (JOBS / package.split(".")[1]).glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        bound = {
            ast.unparse(node.targets[0])
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and ast.unparse(node.value) == f"catalogue('{package}', '{subject}')"
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) in bound:
                used |= strings_in(node.slice, tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {f"{name}.group" for name in bound}:
                used.add(node.args[0].value)
    return used


def strings_in(key: ast.expr, tree: ast.AST) -> set[str]:
    """The constant texts of a key expression, or of the single assignment to its name."""
    if isinstance(key, ast.Name):
        values = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == key.id
        ]
        return {n.value for value in values for n in ast.walk(value) if isinstance(n, ast.Constant) and n.value}
    return {key.value}


@pytest.mark.parametrize("package, subject", [s for s in SUBJECTS if s not in BY_DATA])
def test_every_text_is_used_and_every_key_has_a_text(package, subject):
    assert keys_in(package, subject) == set(catalogue(package, subject).texts)


def test_every_sentence_of_an_explanation_is_used():
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in (JOBS / "explaining").glob("*.py")]
    named = {node.value for tree in modules for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert set(catalogue("jobs.explaining", "sentences").texts) <= named


@pytest.mark.parametrize("package, subject", SUBJECTS)
def test_every_text_has_both_languages_each_in_its_script(package, subject):
    for key, entry in catalogue(package, subject).texts.items():
        for text in [entry] if isinstance(entry, Text) else entry.values():
            assert text.zh.strip() and text.en.strip(), key
            assert not re.search("[一-鿿]", text.en), key
            assert re.search("[一-鿿]", text.zh) or "{" in text.zh, key


def test_provinces_are_those_of_the_schemas():
    places = catalogue("jobs.reporting", "places").texts
    assert {code: text.en for code, text in places.items() if code.isdigit()} == PROVINCES


def test_every_step_has_an_english_name_equal_to_that_of_the_json():
    assert all(text.en == name for name, text in STEP_NAMES.items())
    modules = [path.read_text(encoding="utf-8") for path in (JOBS / "explaining").glob("*.py")]
    named = set(re.findall(r'\bStep\(\s*"([^"]+)"', "\n".join(modules)))
    assert named | {steps.DOES_NOT_FOLLOW} == set(STEP_NAMES)


@pytest.mark.parametrize("entry", [
    {"zh": "计划"}, {"zh": "计划", "en": ""}, {"zh": "计划{a}", "en": "plan"}, "plan",
    {"zh": "计划", "en": "plan", "fr": "régime"}, {"a": {"zh": "计划"}},
])  # fmt: skip
def test_a_text_without_its_pair_is_an_error(entry):
    with pytest.raises(CatalogueError, match="x.toml: key"):
        _entry(entry, "x.toml", "key")


def test_a_key_that_is_not_in_the_catalogue_is_an_error():
    texts = Catalogue("x.toml", {"plan": Text("计划", "plan"), "tier": {"basic": Text("入门版", "basic")}})
    assert texts["plan"].en == "plan" and texts.group("tier", ["basic"]) == {"basic": Text("入门版", "basic")}
    for wrong in (lambda: texts["plam"], lambda: texts["tier"], lambda: texts.group("plan")):
        with pytest.raises(CatalogueError, match="there is no"):
            wrong()
    with pytest.raises(CatalogueError, match="does not match the code: gold"):
        texts.group("tier", ["basic", "gold"])


def test_a_template_is_filled_in_for_each_language():
    assert Text("{plan}：{n}", "{plan}: {n}").format(plan=Text("计划", "plan"), n=3) == ("计划：3", "plan: 3")


def test_a_misspelt_measure_topic_or_dimension_is_an_error():
    rows = [ANNUAL.row("fee", "used_fen", 650, item="technology"), ANNUAL.row("fee", "visits", None)]
    assert rows[0] == {
        "plan_id": "all", "sex": "all", "item": "technology", "topic": "fee", "measure": "used_fen",
        "quantity": None, "amount_fen": 650,
    }  # fmt: skip
    assert ANNUAL.value(rows, "fee", "used_fen", item="technology") == 650
    assert ANNUAL.value(rows, "fee", "used_fen") is None and ANNUAL.value(rows, "fee", "visits") is None
    for wrong in (
        lambda: ANNUAL.row("fee", "visit", 1),
        lambda: ANNUAL.row("fees", "visits", 1),
        lambda: ANNUAL.row("fee", "visits", 1, tier="basic"),
        lambda: ANNUAL.value(rows, "fee", "used"),
        lambda: ANNUAL.value(rows, "fee", "used_fen", items="technology"),
        lambda: PERIOD.select(rows, "collection", "owed"),
        lambda: PERIOD.select(rows, "collections"),
    ):
        with pytest.raises(UnknownMeasure):
            wrong()


def test_every_published_figure_of_a_year_has_a_measure_of_the_report():
    assert {*annual_published.OWN_MEASURES, "covered"} == set(YEAR_MEASURES)
    for topic, measure, item in annual_published.OWN_MEASURES.values():
        assert ANNUAL.value([], topic, measure, item=item) is None


def test_a_misspelt_published_figure_is_a_fault(tmp_path):
    file = tmp_path / "x" / "published_figures.yaml"
    file.parent.mkdir()
    row = "{{of: '2020', plan: all, measure: {measure}, value: 1, unit: fen, confidence: A}}"
    for measure in ("shared_out", "shares_by_plan"):
        file.write_text(f"description: x\nfigures:\n  - {row.format(measure=measure)}\n", encoding="utf-8")
        if measure == "shared_out":
            assert published_figures("x", tmp_path)[0].measure == measure
        else:
            with pytest.raises(Fault, match="figures.0.measure"):
                published_figures("x", tmp_path)
