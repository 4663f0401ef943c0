"""How long commands take in a small world, compared with another checkout of this program on the same machine.

    python -m tests.benchmarks.small --members 20k --rounds 3 --beside ../before

In every round each checkout in turn settles, collects and closes two periods: once with every command as a separate
process (start included), once with all commands in one running process. The figures are of the second period, medians
of the rounds. `--beside` names a checkout that is set up (`git worktree add ../before COMMIT && make -C ../before
setup`); without it only this one is measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from operator import itemgetter
from pathlib import Path
from statistics import median

from jobs.pipeline.amounts import table_text
from tests.worlds_rows import claim

PROJECT = Path(__file__).resolve().parents[2]
PERIODS = (("2020-11-P1", "2020-11-26"), ("2020-11-P2", "2020-12-12"), ("2020-12-P1", "2020-12-26"))
MEASURED = PERIODS[1][0]
CLAIMED_PLAN = "critical_illness"
APPROVED_ON = date(2020, 10, 25)  # before the first of the periods is public
# All commands in one process: prints the seconds of each.
IN_PROCESS = """
import io, json, sys, time
from contextlib import redirect_stderr, redirect_stdout
from jobs.cli import main
seconds = []
for words in json.loads(sys.argv[1]):
    began, err = time.monotonic(), io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(err):
        code = main(words)
    seconds.append(time.monotonic() - began)
    assert code == 0, (words, err.getvalue())
print(json.dumps(seconds))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", default="20k", help="size of the world, as `fentan generate` takes it")
    parser.add_argument("--rounds", type=int, default=3, help="the medians are of so many rounds")
    parser.add_argument("--beside", type=Path, help="another checkout of the program, set up")
    parser.add_argument("--folder", type=Path, default=Path("bench"), help="where the lakes are made")
    args = parser.parse_args()
    checkouts = {"this": PROJECT, **({"beside": args.beside.resolve()} if args.beside else {})}
    folder = args.folder.resolve()
    sources = folder / f"small-{args.members}"
    generate(sources, args.members)
    rounds_by_checkout: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
    for number in range(args.rounds):
        for name, checkout in checkouts.items():
            rounds_by_checkout[name].append(one_round(checkout, sources, folder / "small-lake"))
            print(f"round {number + 1}, {name}: {rounds_by_checkout[name][-1]}", flush=True)
    show(
        args,
        {name: {part: median(one[part] for one in of) for part in of[0]} for name, of in rounds_by_checkout.items()},
    )


def generate(lake: Path, members: str) -> None:
    """The sources, generated once; receipts come from the measured commands."""
    if not (lake / "source").exists():
        words = ["generate", "--lake", str(lake), "--members", members, "--seed", "1"]
        run(PROJECT, [*words, "--periods", f"{PERIODS[0][0]}..{PERIODS[-1][0]}"])
        add_claims(lake)


def add_claims(lake: Path) -> None:
    """Adds six claims per period: at the calibrated rates a small world has periods without claims."""
    import pyarrow as pa
    from deltalake import DeltaTable, write_deltalake

    claims = DeltaTable(lake / "source/approved_claims")
    members = DeltaTable(lake / "source/members").scan(
        ["member_id", "birth_date", "sex", "province_code", "tier"],
        f"plan_id = '{CLAIMED_PLAN}' and joined_on < date '2020-01-01' and exited_on is null",
    )
    claimants = sorted(members.read_all().to_struct_array().to_pylist(), key=itemgetter("member_id"))
    rows = [
        claim(
            900_000 + n,
            plan_id=CLAIMED_PLAN,
            publicity_period=period,
            approved_on=APPROVED_ON,
            approved_aid_fen=30_000,
            **claimant,
        )
        for n, (period, claimant) in enumerate(zip([p for p, _ in PERIODS] * 6, claimants, strict=False))
    ]
    schema = pa.schema(claims.schema().to_arrow())
    write_deltalake(claims, pa.Table.from_pylist(rows, schema), mode="append")


def one_round(checkout: Path, sources: Path, lake: Path) -> dict[str, float]:
    """Seconds of each command of the measured period, as programs and in one process."""
    seconds = {}
    fresh(sources, lake)
    for words in life(lake):
        elapsed = run(checkout, words)
        if MEASURED in words:
            seconds[f"{words[0]}, a program"] = elapsed
    member = str(first_member(lake))
    seconds["status, a program"] = run(checkout, ["status", "--lake", str(lake)])
    words = ["explain", "--lake", str(lake), "--member", member, "--period", MEASURED]
    seconds["explain, a program"] = run(checkout, words)
    fresh(sources, lake)
    every = life(lake)
    ended = program(checkout, ["-c", IN_PROCESS, json.dumps(every)])
    in_process = zip(every, json.loads(ended.stdout.splitlines()[-1]), strict=True)
    return seconds | {f"{w[0]}, in a process": s for w, s in in_process if MEASURED in w and w[0] != "generate"}


def life(lake: Path) -> list[list[str]]:
    """The commands of two periods."""
    commands = []
    for period, day in PERIODS[:2]:
        here = ["--lake", str(lake)]
        commands += [
            ["settle", *here, "--period", period],
            ["generate", *here, "--receipts", period],
            ["collect", *here, "--period", period, "--as-of", day],
            ["close", *here, "--period", period, "--as-of", day],
        ]
    return commands


def fresh(sources: Path, lake: Path) -> None:
    shutil.rmtree(lake, ignore_errors=True)
    shutil.copytree(sources, lake)


def first_member(lake: Path) -> int:
    from deltalake import DeltaTable

    rows = DeltaTable(lake / "settled/assessments").scan(["member_id"], f"period = '{MEASURED}'").read_all()
    return min(rows.column("member_id").to_pylist())


def run(checkout: Path, words: list[str]) -> float:
    began = time.monotonic()
    program(checkout, ["-m", "jobs.cli", *words])
    return time.monotonic() - began


def program(checkout: Path, words: list[str]) -> subprocess.CompletedProcess:
    python = checkout / ".venv/bin/python"
    line = [str(python) if python.exists() else sys.executable, *words]
    ended = subprocess.run(line, cwd=checkout, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
    if ended.returncode:
        raise SystemExit(f"{' '.join(words)[:200]} ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
    return ended


def show(args: argparse.Namespace, seconds: dict[str, dict[str, float]]) -> None:
    parts = list(seconds["this"])
    rows = [[part, *(f"{of[part]:.1f}" for of in seconds.values())] for part in parts]
    if "beside" in seconds:
        rows = [
            [*row, f"{seconds['this'][part] / seconds['beside'][part]:.2f}"]
            for row, part in zip(rows, parts, strict=True)
        ]
    columns = ["command", *(f"{name} (s)" for name in seconds), *(["ratio"] if "beside" in seconds else [])]
    title = f"{args.members} members, {os.cpu_count()} cores, medians of {args.rounds}"
    print(table_text(title, columns, rows))


if __name__ == "__main__":
    main()
