"""A small world for `explain`, and the facts of every member, read from its tables without Spark.

Three periods with every kind of share: members waived in December, exact rounding and a yearly cap from January, a
funded plan in the last period, beneficiaries who do not share. Arrears of the first period end cover between the second
and the third.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import xxhash
from deltalake import DeltaTable

from jobs.explaining.facts import MemberFacts
from jobs.rulebook import load_platform
from jobs.rulebook.rules import Platform
from tests.lakes import LakeFolder, receipt
from tests.oracle_world import World
from tests.platforms import LONG_AGO, write_platform
from tests.worlds_rows import member
from tests.worlds_rules import AIDS_FEN, dated_claim, limits
from tests.worlds_seeded import small_world

FIRST, SECOND, THIRD = PERIODS = "2019-12-P2", "2020-01-P1", "2020-01-P2"
GRACE_ENDS_ON = date(2020, 1, 12)
PLANS = {
    "critical_illness": {
        "rounding": {LONG_AGO: "ceil_fen", date(2020, 1, 1): "exact"},
        "per_case_cap": {LONG_AGO: None, date(2020, 1, 15): 100},
        "yearly_cap": {LONG_AGO: None, date(2020, 1, 1): 300},
        "first_month_waiver": {LONG_AGO: None, date(2019, 12, 1): date(2018, 12, 31), date(2020, 1, 1): None},
        "helped_member_shares": {LONG_AGO: True, date(2020, 1, 1): False},
        "benefit_limits": {LONG_AGO: limits(30_000, 10_000)},
        "illness_limits": {LONG_AGO: []},
    },
    "senior_cancer": {
        "rounding": {LONG_AGO: "exact"},
        "per_case_cap": {LONG_AGO: None},
        "funded_periods": {LONG_AGO: False, date(2020, 1, 15): True},
        "benefit_limits": {LONG_AGO: limits(10_000, 5_000, ages=("0-64", "65-150"))},
    },
}
CASES_FEN = {"critical_illness": (4_001, 15_003, 12_347), "senior_cancer": (777, 5_001, 4_321)}
Rows = Mapping[str, list[dict]]


@dataclass(frozen=True)
class Settled:
    """The world and its settled lake; `conf` is the environment conf."""

    platform: Platform
    world: World
    lake: LakeFolder
    conf: Path

    def run(self, command: str, *words: str, **options):
        return self.lake.run(command, *words, "--conf", str(self.conf), **options)

    def table(self, name: str, **equal) -> list[dict]:
        rows = DeltaTable(str(self.lake.folder / name)).to_pyarrow_table().to_pylist()
        return [row for row in rows if all(row[column] == value for column, value in equal.items())]

    def publicity_on(self, period: str) -> date:
        return self.platform.calendar.publicity_on(self.platform.calendar.period(period))


def settled_world(spark, folder: Path, seed: int) -> Settled:
    """Settles all three periods and collects the first after the second is settled; every third payer does not pay."""
    conf = write_platform(folder / "platforms", "xianghubao", PLANS, FIRST)
    platform = load_platform("xianghubao", folder / "platforms")
    seeded = small_world(platform, seed, FIRST, THIRD, persons=50, aids_fen=AIDS_FEN, claim_counts=(0, 1))
    ids, members, claims = count(70_001), [], []
    for plan_id, aids_fen in CASES_FEN.items():
        for period, aid_fen in zip(PERIODS, aids_fen, strict=True):
            ailing = next(ids)
            members.append(member(ailing, plan_id, joined_on=date(2018, 6, 1)))
            claims.append(dated_claim(ailing, period, aid_fen, plan_id=plan_id))
    world = World(platform, (*seeded.members, *members), (*seeded.claims, *claims))
    settled = Settled(platform, world, LakeFolder(spark, folder / "lake").load(world.members, world.claims), conf)
    _done(settled.run("settle", "--period", FIRST))
    _done(settled.run("settle", "--period", SECOND))
    bills = settled.table("settled/bills", period=FIRST)
    paid = [
        receipt(n, bill["payer_id"], bill["due_fen"], date(2019, 12, 28), FIRST)
        for n, bill in enumerate(bills) if bill["payer_id"] % 3 and bill["due_fen"]
    ]  # fmt: skip
    settled.lake.write("source/receipts", paid)
    _done(settled.run("collect", "--period", FIRST, "--as-of", str(GRACE_ENDS_ON)))
    _done(settled.run("settle", "--period", THIRD))
    return settled


def _done(ended) -> None:
    assert ended.exit_code == 0, ended.err


def every_known(settled: Settled, period: str) -> Iterator[tuple[int, MemberFacts]]:
    """(member id, facts read from the tables) for every settled plan and every member id."""
    names = ("assessments", "benefits", "bills", "collections", "lapses", "pools", "rates")
    every = {name: settled.table(f"settled/{name}") for name in names}
    every["held"] = [row for row in settled.table("control/quarantine_members") if row["joined_on"]]
    every["held"] = [row for row in every["held"] if row["held_in_period"] == period]
    every["spells"] = [row for row in settled.world.members if row["joined_on"]]
    for plan_id in sorted({row["plan_id"] for row in every["pools"] if row["period"] == period}):
        plan_rows = {name: [row for row in rows if row["plan_id"] == plan_id] for name, rows in every.items()}
        for member_id in sorted({row["member_id"] for row in settled.world.members if row["member_id"] is not None}):
            yield member_id, known_of(settled.platform, period, plan_id, member_id, plan_rows, THIRD)


def known_of(
    platform: Platform, period: str, plan_id: str, member_id: int, plan_rows: Rows, known_from: str = FIRST
) -> MemberFacts:
    """`known_from`: the first period settled after the lapses were published."""
    period_rows = {name: [row for row in rows if row.get("period") == period] for name, rows in plan_rows.items()}
    own = {name: [row for row in rows if row.get("member_id") == member_id] for name, rows in plan_rows.items()}
    (row,) = [row for row in own["assessments"] if row["period"] == period] or [None]
    before = [pool for pool in plan_rows["pools"] if pool["period"] < period]
    earlier = [r for r in own["assessments"] if r["period"][:4] == period[:4] and r["period"] < period]
    zone = ZoneInfo(platform.time_zone)
    lapsed = [lapse["ended_at"].replace(tzinfo=UTC).astimezone(zone).date() for lapse in own["lapses"]]
    (pool,), rates = period_rows["pools"], period_rows["rates"]
    numbers = {r["member_id"]: number(f"{plan_id}/{period}", r["member_id"]) for r in period_rows["assessments"]}
    has_lot = sum(rate["billed_fen"] - rate["share_fen"] * rate["covered_count"] for rate in rates) > 0
    first = lambda rows: rows[0] if rows else None  # noqa: E731
    return MemberFacts(
        plan=platform.plans[plan_id], period=period,
        publicity_on=platform.calendar.publicity_on(platform.calendar.period(period)),
        spells=own["spells"], held=own["held"], lapsed_on=lapsed if period >= known_from else [],
        lapsed_since=[] if period >= known_from else lapsed, pool=pool, rates=rates, benefits=period_rows["benefits"],
        brought_forward_fen=max(before, key=lambda pool: pool["period"])["carried_forward_fen"] if before else 0,
        borne_fen=sum(r["due_fen"] for r in earlier),
        members_before=sum(n < numbers[member_id] for n in numbers.values()) if row and has_lot else None,
        helped=any(r["counted"] and r["member_id"] == member_id for r in period_rows["benefits"]),
        assessment=row, collection=first([r for r in own["collections"] if r["period"] == period]),
        bill=first([bill for bill in period_rows["bills"] if row and bill["payer_id"] == row["payer_id"]]),
        lapses=[lapse for lapse in own["lapses"] if lapse["period"] == period],
    )  # fmt: skip


def number(key: str, member_id: int) -> int:
    """The member's number in the choice of one fen more, by the xxhash library, without Spark or the product."""
    seed = xxhash.xxh64_intdigest(key.encode(), seed=42)
    unsigned = xxhash.xxh64_intdigest(struct.pack("<q", member_id), seed=seed)
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned
