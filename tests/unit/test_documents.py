"""Documents are true: generated parts are up to date, and every path, module, test and table they name exists."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from jobs.cli import COMMANDS, _parser
from jobs.rulebook import load_platform, platform_ids, rules_page
from jobs.rulebook.values import KINDS
from schemas import TABLES
from tests.unit.test_house import ROOMS
from tests.wheels import PROJECT

DOCUMENTS = (
    "README.md", "CHANGELOG.md", "jobs/ARCHITECTURE.md", "conf/RULES.md", "conf/OPERATIONS.md", "conf/RUNBOOK.md",
    "schemas/GLOSSARY.md", "schemas/QUERIES.md", "tests/README.md",
)  # fmt: skip
# Not the changelog: it also names paths of earlier versions.
OF_TODAY = tuple(name for name in DOCUMENTS if name != "CHANGELOG.md")
RULES = (PROJECT / "conf/RULES.md").read_text(encoding="utf-8")
ARCHITECTURE = (PROJECT / "jobs/ARCHITECTURE.md").read_text(encoding="utf-8")
GLOSSARY = (PROJECT / "schemas/GLOSSARY.md").read_text(encoding="utf-8")
FOLDERS = ("conf/", "schemas/", "tests/", "jobs/", "expectations/", ".ci/")
# Parts of column names that are grammar or units, not terms of the field.
GRAMMAR = frozenset("and at by count days fen id kind months name no of on part ppm to".split())


def text_of(document: str) -> str:
    return (PROJECT / document).read_text(encoding="utf-8")


def spans_of(text: str) -> list[str]:
    """Texts in backticks, within one line."""
    return re.findall(r"`([^`\n]+)`", text)


def named(kind: str) -> list[tuple[str, str]]:
    """(document, text in backticks) for every such text that matches the pattern `kind`."""
    return sorted({(name, span) for name in OF_TODAY for span in spans_of(text_of(name)) if re.fullmatch(kind, span)})


@pytest.mark.parametrize(
    ("document", "path"), [(d, s) for d, s in named(r"[\w./-]+/[\w./-]*") if s.startswith(FOLDERS)]
)
def test_every_path_exists(document, path):
    assert (PROJECT / path).exists(), f"{document}: {path}"


@pytest.mark.parametrize(("document", "name"), named(r"(jobs|schemas|expectations|conf)(\.\w+)+"))
def test_every_module_and_function_exists(document, name):
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            value = getattr(value, attribute)
        return
    raise AssertionError(f"{document}: {name}")


@pytest.mark.parametrize(("document", "name"), named(r"tests/[\w/]+\.py::\w+"))
def test_every_test_exists(document, name):
    file, function = name.split("::")
    assert re.search(rf"^def {function}\(", text_of(file), re.MULTILINE), f"{document}: {name}"


@pytest.mark.parametrize(
    ("document", "table"), named(r"(source|settled|ledger|control|report)/\w+(\.\w+)?"), ids=lambda value: value
)
def test_every_table_and_column_is_in_the_dictionary(document, table):
    name, _, column = table.partition(".")
    assert name in TABLES or (PROJECT / table).exists() or table == "report/html", f"{document}: {table}"
    assert not column or column in TABLES[name].column_names, f"{document}: {table}"


def test_the_values_of_the_rules_are_those_of_the_yaml():
    assert rules_page.page(RULES) == RULES, "run `python -m jobs.rulebook.rules_page`"


def test_a_changed_value_changes_the_page():
    """The comparison above is with the YAML, not of the page with itself."""
    assert rules_page.page(RULES.replace("80,000 ppm", "70,000 ppm", 1)) == RULES


@pytest.mark.parametrize("rule", KINDS)
def test_every_rule_has_its_text_its_values_its_code_and_a_test(rule):
    (section,) = re.findall(rf"^### {rule}\n(.*?)(?=^##)", RULES, re.MULTILINE | re.DOTALL)
    assert re.match(r"\n\w[^|<]{40,}", section), "a text of a sentence or two"
    assert f"<!-- values: {rule} -->" in section
    assert "- Code: `" in section
    assert re.search(r"^- Shown by:\s+`tests/", section, re.MULTILINE)


def test_every_shipped_value_has_a_source_with_a_grade():
    for platform_id in platform_ids():
        for plan in load_platform(platform_id).plans.values():
            for rule in plan.rules.values():
                assert all(rules_page.grades_of(value.reference) for value in rule.values), rule.file


@pytest.mark.parametrize(
    ("reference", "grades"),
    [
        ("Company statement (A)", "A"),
        ("Copy of the rules (C, and inferred from published shares)", "C, inference"),
        ("assumption: that a minimum exists is published (A), its figure was not found", "assumption, A"),
        ("Rules (A); basic (C); assumption for basic light", "A, C, assumption"),
        ("Published rules (A/B); the grace are assumptions", "A/B, assumption"),
        ("Somebody said so", ""),
    ],
)
def test_a_grade_is_what_the_source_says(reference, grades):
    assert rules_page.grades_of(reference) == grades


def test_the_table_of_rooms_is_the_one_that_is_tested():
    rooms = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", ARCHITECTURE, re.MULTILINE)
    assert rooms == list(ROOMS)


RUNBOOK_COMMANDS = re.findall(r"^    fentan (.*?)(?: +#.*)?$", text_of("conf/RUNBOOK.md"), re.MULTILINE)
WAYS_BACK = {"withdraw", "approve", "correct", "quarantine", "settle", "preview"}


@pytest.mark.parametrize("command", RUNBOOK_COMMANDS)
def test_every_command_of_the_runbook_is_one_that_the_program_takes(command):
    words = shlex.split(command)
    assert words[0] in COMMANDS
    _parser(words).parse_args(words)


def test_the_runbook_shows_every_way_back():
    assert {command.split()[0] for command in RUNBOOK_COMMANDS} >= WAYS_BACK


@pytest.mark.parametrize(("document", "lines"), [("jobs/ARCHITECTURE.md", 200), ("README.md", 150)])
def test_a_document_stays_short(document, lines):
    assert len(text_of(document).splitlines()) <= lines


@pytest.mark.parametrize("document", DOCUMENTS)
def test_lines_are_short_outside_tables_and_commands(document):
    prose = [line for line in text_of(document).splitlines() if not line.startswith(("|", "    "))]
    assert not [line for line in prose if len(line) > 120 and len(line.split()) > 1]  # one long name cannot be broken


@pytest.mark.parametrize("word", sorted({
    word
    for table in TABLES.values()
    for column in table.column_names
    for word in column.split("_")
} - GRAMMAR))  # fmt: skip
def test_every_word_of_a_column_name_is_in_the_glossary(word):
    names = " ".join(spans_of("\n".join(line.split("|")[2] for line in GLOSSARY.splitlines() if line.startswith("|"))))
    assert word in re.split(r"[\W_]+", names)


@pytest.mark.parametrize("entry", re.findall(r"^- .*?(?=^- |^#|\Z)", text_of("CHANGELOG.md"), re.MULTILINE | re.DOTALL))
def test_every_change_says_whether_an_amount_a_digest_or_an_interface_changes(entry):
    (said,) = re.findall(r"\*([^*]+)\*\s*\Z", entry.replace("**", ""))
    assert re.search("amount|digest|interface", said, re.IGNORECASE)


def test_the_documents_are_where_the_wheel_takes_them_from():
    """`*.md` of a package is package data; see pyproject.toml."""
    pyproject = text_of("pyproject.toml")
    for package in {Path(name).parts[0] for name in DOCUMENTS if "/" in name} - {"tests"}:
        assert re.search(rf'^{package} = \[.*"\*\.md"', pyproject, re.MULTILINE), package
