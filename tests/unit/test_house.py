"""Conventions: the dictionary page is up to date, and every room of jobs/ imports only what it may.

An entry of a list of exceptions that is no longer needed fails, so the lists can only shrink.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.dictionary import PAGE, page

PROJECT = Path(__file__).resolve().parents[2]
JOBS = PROJECT / "jobs"
MODULES = sorted(JOBS.rglob("*.py"))

# In order of imports: a room imports itself and rooms before it.
ROOMS = (
    "base", "money", "rulebook", "spark", "collection", "ledger", "settlement", "correction", "lake",
    "register", "gate", "pipeline", "explaining", "reporting", "works", "sample", "commands", "cli",
)  # fmt: skip
CHAPTERS = ("settlement", "correction", "collection", "ledger", "rulebook", "money")
OF_CHAPTERS = {*CHAPTERS, "spark", "base.canonical", "base.strict"}
# (module, what it imports)
NOT_OF_CHAPTERS = {("rulebook/loader.py", "base.errors"), ("rulebook/editor_schemas.py", "base.environment")}
# Calls that run a Spark job or write: chapters contain none.
ACTIONS = {
    "collect", "count", "first", "isEmpty", "localCheckpoint", "checkpoint", "toPandas", "toLocalIterator", "write",
    "writeTo", "foreach", "head", "take", "show", "persist", "cache",
}  # fmt: skip
# Divisions of numbers that are not money.
DIVISIONS_ELSEWHERE = {
    ("settlement/benefits.py", "%"),  # bands of ten years of age
    ("reporting/people.py", "%"),
    ("reporting/masking.py", "//"),
    ("reporting/annual_page.py", "//"),  # tenths of a year of age
    ("reporting/annual_page.py", "%"),
    ("lake/lock.py", "/"),  # seconds
    ("lake/lock.py", "round"),
    ("register/runs.py", "round"),
    ("commands/generate.py", "/"),  # the rate of planted defects
    ("rulebook/calendar.py", "%"),  # months of a year
    ("rulebook/calendar.py", "//"),
    ("rulebook/calendar.py", "divmod"),
    ("settlement/ages.py", "divmod"),  # months of a year
}
PATHS_JOINED = {
    (module, "/")
    for module in ("base/environment.py", "lake/java.py", "lake/session.py", "lake/storage.py", "commands/demo.py")
}
REACHING_THE_SAMPLE = {"commands/demo.py", "commands/generate.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(JOBS))


def room_of(path: Path) -> str:
    return path.relative_to(JOBS).parts[0].removesuffix(".py")


def modules_of(rooms) -> list[Path]:
    return [path for path in MODULES if room_of(path) in rooms]


def imports_of(tree: ast.AST) -> set[str]:
    """Everything that is imported, also inside functions: `from a import b` is a and a.b."""
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def rooms_imported(tree: ast.AST) -> set[str]:
    return {name.split(".")[1] for name in imports_of(tree) if name.startswith("jobs.")}


def rooms_and_base_modules_imported(tree: ast.AST) -> set[str]:
    """The rooms imported; of the room `base` its modules, such as `base.errors`, or `base` itself if none is named."""
    rooms = rooms_imported(tree)
    modules = {".".join(name.split(".")[1:3]) for name in imports_of(tree) if name.startswith("jobs.base.")}
    return (modules or rooms & {"base"}) | rooms - {"base"}


def actions_of(tree: ast.AST) -> set[str]:
    """Actions on what may be a frame: `.write` of anything, and calls such as `frame.collect()`.

    Not `F.count(...)`, which is a column, nor `groupBy(...).count()`, which is a frame.
    """
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    called = {
        call.attr for call in calls if not (ast.unparse(call).startswith(("F.", "functions.")) or is_grouped(call))
    }
    writes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"write"}
    return ACTIONS & called | writes


def is_grouped(call: ast.Attribute) -> bool:
    of = call.value
    return isinstance(of, ast.Call) and isinstance(of.func, ast.Attribute) and of.func.attr == "groupBy"


def divisions_of(tree: ast.AST) -> set[str]:
    """The divisions and roundings of a module: operators and functions of Python or Spark."""
    signs = {ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}
    operators = (node.op for node in ast.walk(tree) if isinstance(node, ast.BinOp | ast.AugAssign))
    signs_used = {signs[type(operator)] for operator in operators if type(operator) in signs}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = {call.id if isinstance(call, ast.Name) else getattr(call, "attr", "") for call in calls}
    return signs_used | names & {"divmod", "round", "bround", "floor", "ceil", "ceiling", "truediv", "floordiv", "div"}


def occurrences_in(paths: list[Path], what: Callable[[ast.AST], set[str]]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for name in what(ast.parse(path.read_text(encoding="utf-8"))):
            yield name_of(path), name


def test_the_dictionary_page_is_generated_from_the_schemas():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m schemas.dictionary`"


def test_every_package_and_module_of_jobs_is_listed_as_a_room():
    assert {room_of(path) for path in MODULES} - {"__init__"} == set(ROOMS)


def test_a_room_imports_only_rooms_before_it():
    against = {
        (module, room)
        for module, room in occurrences_in(MODULES, rooms_imported)
        if ROOMS.index(room) > ROOMS.index(module.split("/")[0].removesuffix(".py"))
    }
    assert not against


def test_a_chapter_imports_only_chapters():
    others = {
        (module, name)
        for module, name in occurrences_in(modules_of(CHAPTERS), rooms_and_base_modules_imported)
        if name not in OF_CHAPTERS
    }
    assert others == NOT_OF_CHAPTERS


def test_a_chapter_imports_no_file_clock_log_random_or_session():
    pure = modules_of({*CHAPTERS, "spark"} - {"rulebook"})  # the rules are read from files
    world = {"os", "pathlib", "time", "logging", "random"}
    assert not [pair for pair in occurrences_in(pure, imports_of) if pair[1].split(".")[0] in world]
    assert not [name_of(path) for path in pure if "SparkSession" in path.read_text(encoding="utf-8")]


def test_a_chapter_runs_no_job_of_spark_and_writes_nothing():
    assert not set(occurrences_in(modules_of(CHAPTERS), actions_of))


def test_money_is_divided_in_one_module():
    """Except the sample, whose numbers are drawn. Paths joined by / are listed as well."""
    elsewhere = modules_of({room_of(path) for path in MODULES} - {"money", "sample"})
    divided = {(m, sign) for m, sign in occurrences_in(elsewhere, divisions_of) if (m, sign) not in PATHS_JOINED}
    assert divided == DIVISIONS_ELSEWHERE, "divide and round in jobs/money.py"


def test_nothing_imports_the_command_line():
    every = [path for path in MODULES if name_of(path) != "cli.py"]
    assert not [pair for pair in occurrences_in(every, rooms_imported) if pair[1] == "cli"]


def test_reporting_imports_no_works_and_no_commands():
    assert not [f for f in occurrences_in(modules_of({"reporting"}), rooms_imported) if f[1] in ("works", "commands")]


def test_only_demo_and_generate_import_the_sample():
    reaching = {module for module, room in occurrences_in(MODULES, rooms_imported) if room == "sample"}
    assert {module for module in reaching if not module.startswith("sample/")} == REACHING_THE_SAMPLE


@pytest.mark.parametrize("folder", ["schemas", "expectations"])
def test_schemas_and_expectations_import_no_job(folder):
    for path in (PROJECT / folder).glob("*.py"):
        assert not rooms_imported(ast.parse(path.read_text(encoding="utf-8"))), path


@pytest.mark.parametrize("line, seen_by, what", [
    ("from jobs.works import pin", rooms_imported, {"works"}),
    ("def f():\n    import jobs.lake.lock", rooms_imported, {"lake"}),
    ("from jobs import money", rooms_imported, {"money"}),
    ("from jobs.base import errors", rooms_and_base_modules_imported, {"base.errors"}),
    ("from jobs.base.errors import Stop", rooms_and_base_modules_imported, {"base.errors"}),
    ("from jobs import base", rooms_and_base_modules_imported, {"base"}),
    ("from jobs.money import half_up", rooms_and_base_modules_imported, {"money"}),
    ("frame.where(x).count()", actions_of, {"count"}),
    ("F.count(x)", actions_of, set()),
    ("frame.groupBy('a').count()", actions_of, set()),
    ("frame.groupBy('a').count().first()", actions_of, {"first"}),
    ("frame.write.format('delta')", actions_of, {"write"}),
    ("a // b + c / d", divisions_of, {"/", "//"}),
    ("a %= 2", divisions_of, {"%"}),
    ("round(a)", divisions_of, {"round"}),
    ("F.round(a)", divisions_of, {"round"}),
    ("a * b", divisions_of, set()),
])  # fmt: skip
def test_the_checks_detect_their_pattern(line, seen_by, what):
    assert seen_by(ast.parse(line)) == what
