"""Earlier arrears that a period's aid pays: the arrears of beneficiaries, and their set-off in the collection."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.collection.beneficiary_arrears import arrears_after, periods_read, taken_from
from jobs.collection.days import CollectionDays
from jobs.collection.set_off_and_lapse import LAPSED
from jobs.correction.dispositions import WRITTEN_OFF
from jobs.lake.lake import Lake
from jobs.lake.small import SmallTables, matching
from jobs.ledger.arrears_postings import WriteOff, write_off_of
from jobs.register.books import transfers_of
from jobs.register.publications import Publication, few_rows_of, published
from jobs.rulebook.calendar import Calendar, Period
from jobs.works.corrections import ADJUSTMENTS, REINSTATEMENTS, Corrections, corrections_until

KEY = ("plan_id", "member_id")
Member = tuple[str, int]  # plan_id, member_id
Owed = Mapping[Member, Mapping[str, int]]


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
    owing = _who_lapsed(lake.small, earlier.values(), _helped(lake.small, settled))
    if not owing:
        return EarlierArrears()
    corrections = corrections_until(lake, calendar, period)
    # Also what later corrections took back is owed no more: aid that is deducted after them must not take it again.
    owed_fen = _owed(lake, calendar, earlier, owing, corrections_until(lake, calendar, None))
    arrears = EarlierArrears(owed_fen)
    write_offs = {
        p: _write_offs(lake, calendar, earlier, p, origins, corrections) for p, origins in arrears.by_plan.items()
    }
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


def paid_by_later_aid(lake: Lake, calendar: Calendar, origin: str, plan_ids: Collection[str]) -> DataFrame | None:
    """What later aid has paid of the write-offs of the period `origin`: plan_id, member_id, `fen`. None: nothing."""
    collected = {key: act for key, act in published(lake.small, "collect").items() if key[1] in plan_ids}
    settled = published(lake.small, "settle").items()
    later = [act for (name, p), act in settled if p in plan_ids and calendar.period(name) > calendar.period(origin)]
    of_origin = [act for (name, _), act in collected.items() if name == origin]
    owing = _who_lapsed(lake.small, of_origin, _helped(lake.small, later))
    if not owing:
        return None
    # What corrections took back is counted by the caller.
    owed = _owed(lake, calendar, collected, owing, Corrections(lake))
    rows = []
    for row in _rows_of(lake.small, "settled/collections", of_origin, owing):
        paid_fen = row["due_fen"] - row["collected_fen"] - owed.get(_member(row), {}).get(origin, 0)
        if row["status"] == LAPSED and paid_fen:
            rows.append((*_member(row), paid_fen))
    return lake.spark.createDataFrame(rows, "plan_id string, member_id bigint, fen bigint") if rows else None


def _helped(small: SmallTables, settled: Collection[Publication]) -> set[Member]:
    """The members who received aid in the settlements."""
    benefits = few_rows_of(small, "settled/benefits", settled, "counted and benefit_fen > 0")
    return {_member(row) for row in benefits}


def _who_lapsed(small: SmallTables, earlier: Collection[Publication], helped: Collection[Member]) -> set[Member]:
    """The helped members with a lapse in an earlier period: most plans have none, so that nothing else is read."""
    return {_member(row) for row in _rows_of(small, "settled/lapses", earlier, helped)} if helped else set()


def _owed(
    lake: Lake,
    calendar: Calendar,
    earlier: Mapping[tuple[str, str], Publication],
    owing: Collection[Member],
    corrections: Corrections,
) -> dict[Member, dict[str, int]]:
    names = sorted({name for name, _ in earlier}, key=calendar.period)
    settled = [publication for key, publication in published(lake.small, "settle").items() if key in earlier]
    aid_fen: dict[Member, dict[str, int]] = {key: {} for key in owing}
    for row in _rows_of(lake.small, "settled/benefits", settled, owing):
        if row["counted"]:
            by_period = aid_fen[_member(row)]
            by_period[row["period"]] = by_period.get(row["period"], 0) + row["benefit_fen"]
    rows = _collections(lake.small, names, earlier, aid_fen)
    grace_ends_on = {name: calendar.grace_ends_on(calendar.period(name)) for name in names}
    owed = {key: arrears_after(names, rows[key], aid_fen[key], grace_ends_on) for key in sorted(owing)}
    taken = _taken_back_by_corrections(corrections, owing)
    left = {
        key: {name: fen - taken.get((*key, name), 0) for name, fen in by_origin.items()}
        for key, by_origin in owed.items()
    }
    positive = {key: {name: fen for name, fen in by_origin.items() if fen > 0} for key, by_origin in left.items()}
    return {key: by_origin for key, by_origin in positive.items() if by_origin}


def _collections(
    small: SmallTables,
    names: Sequence[str],
    earlier: Mapping[tuple[str, str], Publication],
    aid_fen: Mapping[Member, Mapping[str, int]],
) -> dict[Member, dict[str, dict]]:
    """By member and period, the rows of settled/collections that tell what he owes.

    Each period is asked for its few members only: of a long list of ids the statistics of no file can say that it has
    none of them.
    """
    lapsed_in: dict[Member, set[str]] = {key: set() for key in aid_fen}
    for row in _rows_of(small, "settled/lapses", earlier.values(), aid_fen):
        lapsed_in[_member(row)].add(row["period"])
    asked: dict[str, set[Member]] = {}
    for key, by_period in aid_fen.items():
        for name in periods_read(names, lapsed_in[key], by_period):
            asked.setdefault(name, set()).add(key)
    rows: dict[Member, dict[str, dict]] = {key: {} for key in aid_fen}
    for name, members in asked.items():
        of_period = [publication for (period, _), publication in earlier.items() if period == name]
        for row in _rows_of(small, "settled/collections", of_period, members):
            rows[_member(row)][name] = row
    return rows


def _taken_back_by_corrections(corrections: Corrections, owing: Collection[Member]) -> dict[tuple[str, int, str], int]:
    """By plan, member and period, the part of a write-off that corrections reversed: it is no longer owed."""
    taken: dict[tuple[str, int, str], int] = {}
    small = corrections.lake.small
    differences = _rows_of(small, ADJUSTMENTS, corrections.publications, owing)
    void = _rows_of(small, REINSTATEMENTS, corrections.publications, owing)
    parts = [(row, -row["delta_fen"]) for row in differences if row["disposition"] == WRITTEN_OFF]
    for row, fen in (*parts, *((row, row["amount_fen"]) for row in void)):
        key = (*_member(row), row["origin_period"])
        taken[key] = taken.get(key, 0) + fen
    return taken


def _write_offs(
    lake: Lake,
    calendar: Calendar,
    earlier: Mapping[tuple[str, str], Publication],
    plan_id: str,
    origins: Collection[str],
    corrections: Corrections,
) -> dict[str, WriteOff]:
    """The write-offs of the periods of origin, and what later ones took back before this period."""
    by_name = {name: publication for (name, p), publication in earlier.items() if p == plan_id}
    posted = {name: transfers_of(lake.small, [publication])[plan_id] for name, publication in by_name.items()}
    return {
        origin: write_off_of(
            origin,
            posted[origin],
            [t for name, ts in posted.items() if calendar.period(name) > calendar.period(origin) for t in ts],
            corrections.of([origin], [plan_id]).taken_back_fen(),
        )
        for origin in origins
    }


def _rows_of(
    small: SmallTables, table: str, publications: Collection[Publication], members: Collection[Member]
) -> list[dict]:
    """The published rows of these few members, looked up by their ids."""
    where = matching(member_id={member_id for _, member_id in members})
    return [row for row in few_rows_of(small, table, publications, where) if _member(row) in members]


def _member(row: Mapping) -> Member:
    return row["plan_id"], row["member_id"]


def _only(rows: DataFrame, keys: Collection[Member]) -> DataFrame:
    """The rows of these few members."""
    # The constants reach the scan of the rows; the join does not.
    near = rows.where(F.col("member_id").isin(*sorted({member_id for _, member_id in keys})))
    few = rows.sparkSession.createDataFrame(sorted(keys), "plan_id string, member_id bigint")
    return near.join(F.broadcast(few), list(KEY), "left_semi")
