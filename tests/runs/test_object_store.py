"""A lake behind an S3 API: tables of few rows, the run lock, access errors, and all commands of a period with Spark."""

import shutil
import socket
import subprocess
import sys
import time
from datetime import date

import pytest

from tests.clusters import standalone_cluster
from tests.confs import write_conf
from tests.lakes import PERIOD
from tests.runs.test_cluster import jars
from tests.runs.test_hdfs import HOLDING, PUBLICATION_COUNT, load, publications
from tests.s3 import BUCKET, HOW_TO_GET_IT, SERVER_PYTHON, access, s3_on_loopback
from tests.spark_settings import QUICK, SHORT_LIVED
from tests.wheels import PROJECT, build_wheel

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not SERVER_PYTHON.exists(), reason=HOW_TO_GET_IT)]

ENDS_WITHIN_SECONDS = 20
LIFE_LIMIT_SECONDS = 540
CONTENDERS, ROUNDS = 3, 4
# For each pair of lines on stdin: tries to get the lock, prints the result, and releases it at the second line.
CONTENDING = """
import sys
from contextlib import suppress
from jobs.base.errors import Locked
from jobs.lake.lock import run_lock
from jobs.lake.small import SmallTables
print("ready", flush=True)
for _ in sys.stdin:
    answers = ["held", "locked"]
    with suppress(Locked), run_lock(SmallTables(sys.argv[1]), "settle", "2020-12-P1", 120):
        print(answers.pop(0), flush=True)
        sys.stdin.readline()
    if len(answers) == 2:
        print(answers.pop(), flush=True)
        sys.stdin.readline()
    print("released", flush=True)
"""
# Writes the lock of a dead run on another machine; the lease ends after the given seconds.
LEAVING = """
import json, sys, time
from jobs.lake.small import SmallTables
from jobs.lake.storage import lock_storage
owner = {"token": "t", "job": "collect", "period": "2020-11-P2", "host": "elsewhere", "pid": 4321, "pid_started": "1"}
owner["expires_at_seconds"] = time.time() + float(sys.argv[2])
lock = lock_storage(SmallTables(sys.argv[1]))
assert lock.exchange(lock.read(), json.dumps(owner))
"""
# Loads both lakes and runs the commands of LIFE in both; stderr has the seconds of each command.
RUN_LIFE = """
import sys, time
from tests.runs.test_hdfs import DUE_FEN, LIFE, load, run
conf, *roots = sys.argv[1:]
for root in roots:
    load(root)
for command, *words in LIFE:
    for root in roots:
        began = time.monotonic()
        code, document, err = run(root, command, *words, "--conf", conf)
        print(command, root, code, round(time.monotonic() - began, 1), err if code else "", file=sys.stderr, flush=True)
        assert code == 0
assert document["plans"][0]["follows"] and document["plans"][0]["due_fen"] == DUE_FEN
assert run(roots[0], *LIFE[0], "--conf", conf)[1]["state"] == "already settled"
assert run(roots[0], "conform", "--conf", conf)[1]["conforms"]
"""


@pytest.fixture(scope="module")
def endpoint():
    with s3_on_loopback() as address:
        yield address


@pytest.fixture
def reached(endpoint, monkeypatch):
    """Sets the variables for the server in this process; gives the address of its bucket."""
    for name, value in access(endpoint).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}"


def python(code: str, *words: str, **how) -> subprocess.Popen:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, *words], cwd=PROJECT, **{**pipes, **how})


def fentan(environment: dict, *words: str) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "jobs.cli", *words]
    return subprocess.run(line, env=environment, cwd=PROJECT, capture_output=True, text=True)


def generate(root: str) -> tuple[str, ...]:
    return ("generate", "--lake", root, "--members", "10", "--periods", f"{PERIOD}..{PERIOD}")


def send_line(programs: list[subprocess.Popen]) -> None:
    for program in programs:
        print(file=program.stdin, flush=True)


def answers(programs: list[subprocess.Popen]) -> list[str]:
    return [program.stdout.readline().strip() for program in programs]


def holders(root: str, environment: dict, rounds: int) -> list[int]:
    """The number of contenders that hold the lock at the same time, by round."""
    contenders = [python(CONTENDING, root, env=environment) for _ in range(CONTENDERS)]
    assert answers(contenders) == ["ready"] * CONTENDERS
    counts = []
    for _ in range(rounds):
        send_line(contenders)
        counts.append(answers(contenders).count("held"))
        send_line(contenders)
        assert answers(contenders) == ["released"] * CONTENDERS
    for contender in contenders:
        contender.communicate()
    assert [contender.returncode for contender in contenders] == [0] * CONTENDERS
    return counts


def test_tables_of_few_rows_and_texts(reached):
    from deltalake.fs import DeltaStorageHandler

    from jobs.lake.small import SmallTables, matching
    from jobs.lake.storage import write_text
    from schemas import TABLES

    table, small = TABLES["source/receipts"], SmallTables(f"{reached}/small")
    rows = [
        {"receipt_id": i, "period": PERIOD, "attempted_on": date(2020, 12, 10), "amount_fen": 10 * i}
        for i in range(1, 6)
    ]
    assert small.rows(table.name) == [] and not small.exists(table.name)
    small.append(table, rows[:3], "first")
    small.replace(table, [rows[2] | {"amount_fen": 33}], matching(receipt_id=[2, 3]), "second")
    small.delete(table.name, matching(receipt_id=1), "third")
    small.append(table, rows[3:], "fourth")
    amounts = {row["receipt_id"]: row["amount_fen"] for row in small.rows(table.name)}
    assert amounts == {3: 33, 4: 40, 5: 50} and small.row_count(table.name) == 3
    assert small.holds_any(table.name, matching(receipt_id=4)) and not small.holds_any(table.name, "receipt_id = 2")
    assert [row["amount_fen"] for row in small.rows(table.name, "receipt_id = 3", ["amount_fen"], 0)] == [30]
    by_run = dict(zip(("first", "second", "third", "fourth"), range(4), strict=True))
    assert small.versions_by_run(table.name, by_run) == by_run
    assert SmallTables(f"s3a://{BUCKET}/small").rows(table.name) == small.rows(table.name)

    for text in ("<p>long 甲</p>" * 400_000, "<p>甲</p>"):
        assert write_text(small, "report/html/index.html", text) == f"{reached}/small/report/html/index.html"
        folder = DeltaStorageHandler(f"{reached}/small/report/html", small.options)
        assert folder.open_input_file("index.html").read().decode() == text


def test_two_runs_exclude_each_other(endpoint, reached):
    root = f"{reached}/held"
    with python(HOLDING, root) as first:
        assert first.stdout.readline() == "held\n"
        second = fentan(access(endpoint), *generate(root))
        assert second.returncode == 5 and "collect 2020-11-P2" in second.stderr and str(first.pid) in second.stderr
        first.communicate("")
    assert first.returncode == 0


def test_exactly_one_of_simultaneous_runs_gets_the_lock(endpoint, reached):
    assert holders(f"{reached}/at-once", access(endpoint), ROUNDS) == [1] * ROUNDS


def test_without_conditional_put_several_runs_get_the_lock():
    """Shows that the test above detects a store without conditional put."""
    with s3_on_loopback("unconditional") as address:
        assert holders(f"s3://{BUCKET}/at-once", access(address), ROUNDS) != [1] * ROUNDS


def test_an_expired_lease_is_taken_over(endpoint, reached):
    root = f"{reached}/left"
    assert python(LEAVING, root, "600").wait() == 0
    with python(HOLDING, root) as early:
        assert "collect 2020-11-P2 on elsewhere" in early.communicate("")[1]
    assert python(LEAVING, root, "-1").wait() == 0
    with python(HOLDING, root) as late:
        assert late.stdout.readline() == "held\n"
        late.communicate("")
    assert late.returncode == 0


@pytest.mark.parametrize(
    ("key", "root", "settings", "message"),
    [
        ("writer", "s3://nowhere/lake", {}, "there is no such bucket"),
        ("stranger", f"s3://{BUCKET}/lake", {}, "access denied"),
        ("", f"s3://{BUCKET}/lake", {}, "there are no credentials"),
        ("reader", f"s3a://{BUCKET}/lake", {}, "not writable (access denied)"),
        ("writer", f"s3://{BUCKET}/lake", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "no answer from the endpoint"),
        ("writer", f"s3://{BUCKET}/lake", {"AWS_ALLOW_HTTP": "false"}, "the endpoint is not https"),
    ],
    ids=["no bucket", "no right", "no credentials", "no right to write", "no endpoint", "http"],
)
def test_an_unreachable_store_is_wrong_usage_within_seconds(endpoint, key, root, settings, message):
    began = time.monotonic()
    ended = fentan(
        access(endpoint, key) | settings,
        *generate(root),
    )  # fmt: skip
    assert time.monotonic() - began < ENDS_WITHIN_SECONDS
    assert (ended.returncode, ended.stdout) == (2, "") and message in ended.stderr, ended.stderr
    assert root in ended.stderr and "Nothing was done" in ended.stderr and len(ended.stderr.splitlines()) == 1
    assert f"{key}-secret" not in ended.stderr


def test_a_store_that_never_answers_is_wrong_usage_within_seconds(endpoint):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        ended = fentan(access(silent_address), "status", "--lake", f"s3://{BUCKET}/lake")
    assert time.monotonic() - began < ENDS_WITHIN_SECONDS
    assert ended.returncode == 2 and "no answer from the endpoint" in ended.stderr


@pytest.fixture(scope="module")
def s3_jars() -> list[str]:
    """The JARs that Spark needs for S3, fetched if missing."""
    fetched = subprocess.run(["bash", "conf/deploy/s3_jars.sh"], cwd=PROJECT, capture_output=True, text=True)
    assert fetched.returncode == 0, fetched.stderr
    return sorted(str(jar) for jar in (PROJECT / ".jars" / "s3a").glob("*.jar"))


@pytest.fixture
def quick_local(tmp_path) -> str:
    return str(write_conf(tmp_path / "quick.toml", spark={**QUICK, **SHORT_LIVED, "master": "local[1]"}))


def test_a_period_on_s3_has_the_digests_of_a_local_folder(endpoint, reached, s3_jars, quick_local, tmp_path):
    remote, local = f"{reached}/life", str(tmp_path / "lake")
    with python(RUN_LIFE, quick_local, remote, local, env=access(endpoint)) as program:
        out, err = program.communicate(timeout=LIFE_LIMIT_SECONDS)
    assert program.returncode == 0, err[-4000:]
    assert "writer-secret" not in out + err
    assert publications(f"s3a://{BUCKET}/life") == publications(local)
    assert len(publications(local)) == PUBLICATION_COUNT


def test_a_standalone_cluster_settles_on_s3_to_the_same_digests(endpoint, reached, s3_jars, quick_local, tmp_path):
    remote, local = load(f"{reached}/cluster"), load(str(tmp_path / "lake"))
    for folder in ("wheel", "cluster"):
        (tmp_path / folder).mkdir()
    with standalone_cluster(tmp_path / "cluster") as cluster:
        script = shutil.copy(PROJECT / "jobs" / "cli.py", cluster.folder)
        ended = cluster.submit(
            "--jars", ",".join([jars(), *s3_jars]), "--py-files", str(build_wheel(tmp_path / "wheel")), str(script),
            "settle", "--conf", str(PROJECT / "conf" / "local.toml"), "--lake", remote, "--period", PERIOD, "--json",
        )  # fmt: skip
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-4000:]
    assert "writer-secret" not in ended.stdout + ended.stderr
    assert (
        fentan(access(endpoint), "settle", "--lake", local, "--conf", quick_local, "--period", PERIOD).returncode == 0
    )
    assert publications(remote) == publications(local) and publications(local)
