"""The wheel holds the whole program with its conf, and the deployment examples call existing commands."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from zipfile import ZipFile

import pytest

from jobs.cli import COMMANDS
from jobs.lake.session import DELTA_PACKAGE
from jobs.rulebook import load_platform
from tests.wheels import PACKAGES, PROJECT

DEPLOY = PROJECT / "conf" / "deploy"
# Prints the shipped conf as the program reads it through importlib.resources, from any location of the package.
SEEN = """
import conf, json
from jobs.base.environment import load_environment
from jobs.rulebook import load_platform, platform_ids
plans = {p: sorted(load_platform(p).plans) for p in platform_ids()}
print(json.dumps([conf.__file__, load_environment(None).platform, plans]))
"""


def sources_of(package: str) -> set[str]:
    files = (PROJECT / package).rglob("*")
    return {str(f.relative_to(PROJECT)) for f in files if f.is_file() and f.parent.name != "__pycache__"}


def seen_from(path, cwd) -> list:
    environment = os.environ | {"PYTHONPATH": str(path)}
    ended = subprocess.run(
        [sys.executable, "-c", SEEN], env=environment, cwd=cwd, capture_output=True, text=True, check=True
    )
    return ast.literal_eval(ended.stdout)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_is_in_the_wheel_and_no_other(wheel, package):
    names = {name for name in ZipFile(wheel).namelist() if name.startswith(f"{package}/")}
    assert names == sources_of(package)


def test_the_wheel_installs_the_command_and_pins_its_requirements(wheel):
    with ZipFile(wheel) as archive:
        assert "fentan = start_fentan:main" in archive.read("fentan-0.1.0.dist-info/entry_points.txt").decode()
        described = archive.read("fentan-0.1.0.dist-info/METADATA").decode()
    needs = re.findall(r"^Requires-Dist: (.*)$", described, re.MULTILINE)
    assert "pyspark==4.1.4" in needs
    assert all("==" in need for need in needs)


def test_installed_elsewhere_it_finds_its_own_conf(wheel, tmp_path):
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(tmp_path / "there"),
    ]
    subprocess.run([*pip, str(wheel)], check=True)
    conf_file, platform, plans = seen_from(tmp_path / "there", tmp_path)
    assert conf_file.startswith(str(tmp_path / "there"))
    assert platform == "xianghubao"
    assert plans["xianghubao"] == sorted(load_platform("xianghubao").plans)


def test_as_a_file_on_the_python_path_it_finds_its_own_conf(wheel, tmp_path):
    conf_file, _, plans = seen_from(wheel, tmp_path)
    assert conf_file.startswith(str(wheel))
    assert set(plans) == {"xianghubao", "meituan_huzhu"}


def test_the_constraints_name_versions_only_and_agree_with_the_pins():
    lines = (PROJECT / ".ci" / "constraints.txt").read_text().splitlines()
    pinned = dict(line.lower().replace("_", "-").split("==") for line in lines)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    for need in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
        name, version = re.sub(r"\[.*\]", "", need).lower().split("==")
        assert pinned[name.replace("_", "-")] == version, need


def test_set_up_the_deployment_and_the_program_name_one_version_of_delta():
    for file in (PROJECT / ".ci" / "setup", DEPLOY / "settle.sh"):
        assert set(re.findall(r"io\.delta:delta-spark[^\s}]*", file.read_text())) == {DELTA_PACKAGE}, file
    needs = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"delta-spark=={DELTA_PACKAGE.rpartition(':')[2]}" in needs


def test_the_dag_parses_and_its_steps_are_commands():
    tree = ast.parse((DEPLOY / "airflow_dag.py").read_text())
    steps = [
        [e.value for e in node.elts] for node in ast.walk(tree) if isinstance(node, ast.Tuple) and _all_texts(node)
    ]
    assert steps == [["check", "preview", "settle"]]
    assert set(steps[0]) <= set(COMMANDS)


def _all_texts(node: ast.Tuple) -> bool:
    return all(isinstance(e, ast.Constant) and isinstance(e.value, str) for e in node.elts)


def test_the_crontab_calls_commands_on_the_days_of_the_publicity():
    lines = [line for line in (DEPLOY / "crontab.example").read_text().splitlines() if re.match(r"[0-9*]", line)]
    assert len(lines) == 5
    monthly = load_platform("xianghubao").calendar.monthly
    days = {(number, month.publicity_day) for number, month in enumerate(monthly, start=1)}
    seen = set()
    for line in lines:
        minute, hour, day, month, weekday, call = line.split(None, 5)
        assert all(re.fullmatch(r"\*|[0-9,]+", when) for when in (minute, hour, day, month, weekday)), line
        assert re.match(r"\$FENTAN ([a-z]+)", call)[1] in COMMANDS, line
        assert not re.search(r"(?<!\\)%", call), f"cron reads % as the end of the line: {line}"
        seen |= {(int(number), int(day)) for number in re.findall(r"-P([0-9])", call)}
    assert seen == days


def test_the_spark_submit_line_names_wheel_conf_lake_and_period(tmp_path):
    fake = tmp_path / "spark-submit"
    fake.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    fake.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "WHEEL": "some.whl"}
    line = ["bash", str(DEPLOY / "settle.sh")]
    bare = subprocess.run([*line, "2020-12-P1"], env=environment, capture_output=True, text=True)
    assert bare.returncode != 0
    assert "set MASTER" in bare.stderr
    environment |= {"MASTER": "spark://head:7077", "LAKE": "/a lake"}
    words = subprocess.run(
        [*line, "2020-12-P1", "--plan", "chronic"], env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert words[words.index("--master") + 1] == "spark://head:7077"
    assert words[words.index("--packages") + 1] == DELTA_PACKAGE
    assert words[words.index("--py-files") + 1 :] == [
        "some.whl", f"{PROJECT}/jobs/cli.py", "settle", "--conf", f"{PROJECT}/conf/cluster.toml",
        "--lake", "/a lake", "--period", "2020-12-P1", "--plan", "chronic",
    ]  # fmt: skip
