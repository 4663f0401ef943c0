"""The rows by which corrections concern one member: his period was corrected, or corrections were posted into it."""

from collections.abc import Collection, Iterable, Mapping

from jobs.explaining.facts import CorrectionFacts
from jobs.lake.small import SmallTables, matching
from jobs.pipeline.request import PeriodRequest
from jobs.register.publications import Publication, few_rows_of

ADJUSTMENTS, POOLS = "settled/adjustments", "settled/adjusted_pools"
BILLED = ("asked", "refunded")  # dispositions that are part of a bill
Key = tuple[str, str]  # period, plan


def correction_rows(
    small: SmallTables,
    corrections: Collection[Publication],
    request: PeriodRequest,
    plan_ids: Collection[str],
    earlier: Iterable[Publication],
    collected: Mapping[Key, Publication],
    member_id: int,
) -> dict[str, list[dict]]:
    """By name, the rows for the plans; `earlier`: settlements of the year before this period, of capped plans.

    Posted until this period: `adjusted_pools` of those into it, `reinstated` lapses of the member, and `charged`, his
    differences of earlier periods of the year, which count towards the yearly cap. Whenever posted: `corrected`, his
    differences of this period, and `void`, his lapse for it. Posted into this period: `adjusted`, his differences, and
    `adjustments_collected`, what became of them.
    """
    calendar, period, is_member = request.platform.calendar, str(request.period), matching(member_id=member_id)
    of_plans = [c for c in corrections if c.plan_id in plan_ids]
    known = [c for c in of_plans if calendar.period(c.period) <= request.period]
    into = [c for c in of_plans if c.period == period]
    of_period = [c for c in of_plans if c.origin_period == period]
    keys = {(p.period, p.plan_id) for p in earlier}
    of_year = [c for c in known if (c.origin_period, c.plan_id) in keys]
    charged = few_rows_of(small, ADJUSTMENTS, of_year, is_member)
    collections = [act for p in {c.plan_id for c in into} if (act := collected.get((period, p))) is not None]
    return {
        "adjusted_pools": few_rows_of(small, POOLS, into),
        "reinstated": few_rows_of(small, "settled/reinstatements", known, is_member),
        "charged": [row for row in charged if row["disposition"] != "pooled"],
        "corrected": few_rows_of(small, ADJUSTMENTS, of_period, is_member),
        "void": few_rows_of(small, "settled/reinstatements", of_period, is_member),
        "adjusted": few_rows_of(small, ADJUSTMENTS, into, is_member),
        "adjustments_collected": few_rows_of(small, "settled/adjustment_collections", collections, is_member),
        "reasons": few_rows_of(small, POOLS, [*into, *of_period]),
    }


def corrections_billed(
    small: SmallTables, corrections: Iterable[Publication], period: str, payers: Collection[int]
) -> list[dict]:
    """The additional dues and refunds posted into the period for these payers."""
    into = [c for c in corrections if c.period == period]
    rows = few_rows_of(small, ADJUSTMENTS, into, matching(payer_id=set(payers))) if payers and into else []
    return [row for row in rows if row["disposition"] in BILLED]


def adjustments_of_year(
    small: SmallTables,
    corrections: Iterable[Publication],
    year: int,
    collected: Mapping[Key, Publication],
    whose: Mapping[str, int],
) -> list[dict]:
    """The rows of settled/adjustments posted into the periods of a calendar year, each with `status`, `met_fen` and
    `collected_on` of its collection, or None. `whose`: member_id or payer_id."""
    into = [c for c in corrections if c.period.startswith(f"{year:04d}-")]
    rows = few_rows_of(small, ADJUSTMENTS, into, matching(**whose)) if into else []
    acts = [act for key in {(row["period"], row["plan_id"]) for row in rows} if (act := collected.get(key)) is not None]
    members = matching(member_id={row["member_id"] for row in rows})
    key = lambda row: (*_order(row), row["plan_id"], row["member_id"])  # noqa: E731
    outcomes = {key(row): row for row in few_rows_of(small, "settled/adjustment_collections", acts, members)}
    states = ("status", "met_fen", "collected_on")
    joined = ({**row, **{name: outcomes.get(key(row), {}).get(name) for name in states}} for row in rows)
    return sorted(joined, key=key)


def correction_facts(rows: Mapping[str, list[dict]], billed: Iterable[dict]) -> CorrectionFacts:
    """One plan's rows of `correction_rows`; each with the reason in the operator's words, `because`."""
    said = {_correction(row): row["reason"] for row in rows["reasons"]}
    with_reason = {
        name: sorted(({**row, "because": said.get(_correction(row), "")} for row in rows[name]), key=_order)
        for name in ("corrected", "void", "adjusted")
    }
    outcomes = {_order(row): row for row in rows["adjustments_collected"]}
    return CorrectionFacts(**with_reason, outcomes=outcomes, billed=list(billed))


def _correction(row: Mapping) -> tuple:
    return row["period"], row["origin_period"], row["revision"]


def _order(row: Mapping) -> tuple:
    return *_correction(row), row.get("disposition", "")
