"""Earlier arrears that a period's aid pays: which beneficiaries owe what, and what the collection takes from whom."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.allocation import CollectionDays
from jobs.collection.arrears import arrears_after, taken_from
from jobs.lake.lake import Lake
from jobs.ledger.arrears_postings import WriteOff, write_off_of
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, few_rows_of, published, rows_of
from jobs.rulebook.calendar import Calendar, Period

KEY = ("plan_id", "member_id")
Owed = Mapping[tuple[str, int], Mapping[str, int]]


@dataclass(frozen=True)
class EarlierArrears:
    """`owed_fen`: by (plan, member) and period of origin, what beneficiaries of this period still owe; `write_offs`: by
    plan and origin, the write-offs they are part of."""

    owed_fen: Owed = field(default_factory=dict)
    write_offs: Mapping[str, Mapping[str, WriteOff]] = field(default_factory=dict)

    @property
    def by_plan(self) -> dict[str, dict[str, int]]:
        """The sums by plan and origin."""
        sums: dict[str, dict[str, int]] = {}
        for (plan_id, _), owed in sorted(self.owed_fen.items()):
            for origin, fen in owed.items():
                by_origin = sums.setdefault(plan_id, {})
                by_origin[origin] = by_origin.get(origin, 0) + fen
        return sums

    @property
    def inputs(self) -> dict[str, dict[str, list[int]]]:
        """By plan and origin: the sum owed, and what aid of earlier periods has paid of the write-off."""
        return {
            plan_id: {name: [fen, self.write_offs[plan_id][name].taken_back_fen] for name, fen in by_origin.items()}
            for plan_id, by_origin in self.by_plan.items()
        }


def earlier_arrears(
    lake: Lake, calendar: Calendar, period: Period, settled: Collection[Publication], days: CollectionDays
) -> EarlierArrears:
    """The arrears of earlier periods, final on the deduction day, of the members whom this period helps."""
    plans = {publication.plan_id for publication in settled}
    earlier = {
        key: publication
        for key, publication in published(lake.small, "collect").items()
        if key[1] in plans and calendar.period(key[0]) < period
    }
    if not earlier or not days.is_deducting:
        return EarlierArrears()
    helped = {
        (row["plan_id"], row["member_id"])
        for row in few_rows_of(lake.small, "settled/benefits", settled)
        if row["counted"] and row["benefit_fen"] > 0
    }
    owing = _who_lapsed(lake, earlier.values(), helped)
    if not owing:
        return EarlierArrears()
    owed_fen = _owed(lake, calendar, earlier, owing)
    arrears = EarlierArrears(owed_fen)
    write_offs = {p: _write_offs(lake, calendar, earlier, p, origins) for p, origins in arrears.by_plan.items()}
    return EarlierArrears(owed_fen, write_offs)


def take_from_aid(
    arrears: EarlierArrears, aid: DataFrame, dues: DataFrame, is_final: bool
) -> tuple[DataFrame, dict[str, dict[str, int]]]:
    """The aid for set-off (from `aid_for_set_off`) less what pays earlier arrears; and that, by plan and origin.

    The member's due of this period (one row of `dues` per plan and member) comes first: as much as is unmet of it is
    left in his aid.
    """
    if not arrears.owed_fen:
        return aid, {}
    owing = _only(aid.where("not is_of_next"), arrears.owed_fen)
    unmet = _only(dues, arrears.owed_fen).select(*KEY, "due_fen", "collected_fen")
    taken: dict[str, dict[str, int]] = {}
    rows = []
    for row in owing.join(unmet, list(KEY), "left").collect():
        unmet_fen = (row.due_fen or 0) - (row.collected_fen or 0)
        is_kept = not (is_final and row.collected_fen)  # a due that was met in part is not set off
        left_fen = row.aid_fen - (min(row.aid_fen, unmet_fen) if is_kept else 0)
        parts = taken_from(left_fen, arrears.owed_fen[row.plan_id, row.member_id])
        rows.append((row.plan_id, row.member_id, sum(parts.values())))
        for origin, fen in parts.items():
            by_origin = taken.setdefault(row.plan_id, {})
            by_origin[origin] = by_origin.get(origin, 0) + fen
    less = aid.sparkSession.createDataFrame(rows, "plan_id string, member_id bigint, taken_fen bigint")
    is_own = ~F.col("is_of_next")
    left_fen = F.col("aid_fen") - F.when(is_own, F.coalesce("taken_fen", F.lit(0))).otherwise(F.lit(0)).cast("bigint")
    reduced = aid.join(F.broadcast(less), list(KEY), "left").withColumn("aid_fen", left_fen).select(*aid.columns)
    return reduced.localCheckpoint(), taken


def _who_lapsed(lake: Lake, earlier: Collection[Publication], helped: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """The helped members with a lapse in an earlier period: most plans have none, so that nothing else is read."""
    if not helped:
        return set()
    lapses = _only(rows_of(lake, "settled/lapses", list(earlier)), helped)
    return {(row.plan_id, row.member_id) for row in lapses.select(*KEY).distinct().collect()}


def _owed(
    lake: Lake, calendar: Calendar, earlier: Mapping[tuple[str, str], Publication], owing: set[tuple[str, int]]
) -> dict[tuple[str, int], dict[str, int]]:
    names = sorted({name for name, _ in earlier}, key=calendar.period)
    settled = [publication for key, publication in published(lake.small, "settle").items() if key in earlier]
    rows: dict[tuple[str, int], dict[str, dict]] = {key: {} for key in owing}
    aid_fen: dict[tuple[str, int], dict[str, int]] = {key: {} for key in owing}
    for row in _only(rows_of(lake, "settled/collections", list(earlier.values())), owing).collect():
        rows[row.plan_id, row.member_id][row.period] = row.asDict()
    benefits = _only(rows_of(lake, "settled/benefits", settled), owing).where("counted and benefit_fen > 0")
    for row in benefits.collect():
        by_period = aid_fen[row.plan_id, row.member_id]
        by_period[row.period] = by_period.get(row.period, 0) + row.benefit_fen
    grace_ends_on = {name: calendar.grace_ends_on(calendar.period(name)) for name in names}
    owed = {key: arrears_after(names, rows[key], aid_fen[key], grace_ends_on) for key in sorted(owing)}
    return {key: by_origin for key, by_origin in owed.items() if by_origin}


def _write_offs(
    lake: Lake,
    calendar: Calendar,
    earlier: Mapping[tuple[str, str], Publication],
    plan_id: str,
    origins: Collection[str],
) -> dict[str, WriteOff]:
    """The write-offs of the periods of origin, and what later ones took back before this period."""
    by_name = {name: publication for (name, p), publication in earlier.items() if p == plan_id}
    posted = {name: transfers_of(lake.small, [publication])[plan_id] for name, publication in by_name.items()}
    return {
        origin: write_off_of(
            origin,
            posted[origin],
            [t for name, ts in posted.items() if calendar.period(name) > calendar.period(origin) for t in ts],
        )
        for origin in origins
    }


def _only(rows: DataFrame, keys: Collection[tuple[str, int]]) -> DataFrame:
    """The rows of these few members."""
    few = rows.sparkSession.createDataFrame(sorted(keys), "plan_id string, member_id bigint")
    return rows.join(F.broadcast(few), list(KEY), "left_semi")
