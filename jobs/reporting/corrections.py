"""Corrections as a report shows them: one line per closed period and revision, with reason, cases and amounts."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from jobs.lake.small import SmallTables
from jobs.register.publications import corrections, few_rows_of
from jobs.reporting.measures import CORRECTION_AMOUNTS, PERIOD

TEXTS = ("plan_id", "period", "origin_period", "revision", "reason")
INTO, OF = "corrections", "corrected"  # topics: posted into the period, and of the period


def corrections_into_and_of(
    small: SmallTables, period: str, plan_ids: Collection[str]
) -> tuple[list[dict], list[dict]]:
    """The corrections posted into the period, and those that corrected it: lines as `correction_lines` gives them."""
    acts = [act for act in corrections(small) if act.plan_id in plan_ids and period in (act.period, act.origin_period)]
    pools = few_rows_of(small, "settled/adjusted_pools", acts)
    lines = correction_lines(pools, few_rows_of(small, "settled/adjusted_benefits", acts))
    return (
        [line for line in lines if line["period"] == period],
        [line for line in lines if line["origin_period"] == period],
    )


def correction_lines(pools: Iterable[Mapping], cases: Iterable[Mapping]) -> list[dict]:
    """One line per row of settled/adjusted_pools: TEXTS, `case_count` (cases corrected) and CORRECTION_AMOUNTS.

    `cases`: rows of settled/adjusted_benefits of the same corrections.
    """
    of_correction: dict[tuple, list[Mapping]] = {}
    for case in cases:
        of_correction.setdefault(_key(case), []).append(case)
    lines = []
    for pool in sorted(pools, key=_key):
        own = of_correction.get(_key(pool), [])
        with_recovered = {**pool, "recovered_fen": sum(case["recovered_fen"] for case in own)}
        columns = (*TEXTS, *CORRECTION_AMOUNTS)
        lines.append({**{name: with_recovered[name] for name in columns}, "case_count": len(own)})
    return lines


def correction_measures(into: Iterable[Mapping], of_period: Iterable[Mapping]) -> Iterator[dict]:
    """Rows of report/period_summary: per plan and topic, and per other period (`item`), the sums of its lines."""
    for topic, lines, other in ((INTO, into, "origin_period"), (OF, of_period, "period")):
        sums: dict[tuple[str, str], dict[str, int]] = {}
        for line in lines:
            of_other = sums.setdefault((line["plan_id"], line[other]), dict.fromkeys(PERIOD.by_topic[topic], 0))
            for measure in of_other:
                of_other[measure] += line[measure]
        for (plan_id, item), by_measure in sorted(sums.items()):
            for measure, value in by_measure.items():
                yield PERIOD.row(topic, measure, value, plan_id=plan_id, item=item)


def _key(row: Mapping) -> tuple:
    return row["plan_id"], row["period"], row["origin_period"], row["revision"]
