"""Late claims: they arrived, or were mended, after the settlement of the period they name. They are held and reported,
and settled only if somebody releases them, or corrects the period."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from expectations.claims import AFTER_SETTLEMENT
from jobs.gate.claims import claims_added
from jobs.gate.held_id import held_id_of
from jobs.gate.quarantine import HELD_CLAIMS, MOST_PLAUSIBLE_FEN
from jobs.lake.small import SmallTables, matching
from jobs.lake.sources import TABLE_IDS, is_readable_source
from jobs.pipeline.amounts import yuan
from jobs.register.decisions import deciders, released_held_in
from jobs.register.publications import Publication, corrections, few_rows_of, published
from jobs.register.runs import rows_of_runs
from jobs.rulebook.rules import Platform
from jobs.works.held_late import hold_exactly
from schemas import TABLES

CLAIMS = TABLES["source/approved_claims"]


@dataclass(frozen=True)
class LateClaims:
    """Claims of settled periods that arrived or were mended after the settlement, as rows of source/approved_claims.

    `added`: all of them. `late`: those that have counted neither in another period nor in a correction, and on which
    nobody has decided; `decided`: those with a decision, with `released_by`. `sums`: count of late claims and their aid
    in fen, by (publicity_period, plan_id); plan_id is None if the platform has no such plan.
    """

    added: list[dict] = field(default_factory=list)
    late: list[dict] = field(default_factory=list)
    decided: list[dict] = field(default_factory=list)
    sums: Mapping[tuple[str, str | None], tuple[int, int]] = field(default_factory=dict)

    def plan_sums(self, plan_ids: Collection[str]) -> dict[tuple[str, str | None], tuple[int, int]]:
        """The sums of these plans and of unknown plans."""
        return {key: sums for key, sums in self.sums.items() if key[1] in (None, *plan_ids)}

    def total(self, plan_ids: Collection[str]) -> tuple[int, int]:
        """Count of late claims of these plans and of unknown plans, and their aid in fen."""
        sums = self.plan_sums(plan_ids).values()
        return sum(count for count, _ in sums), sum(fen for _, fen in sums)

    def as_document(self) -> list[dict]:
        """The sums of all plans: one row per period and plan."""
        return [
            {"period": period, "plan_id": plan_id, "count": count, "amount_at_stake_fen": fen}
            for (period, plan_id), (count, fen) in sorted(self.sums.items(), key=str)
        ]

    def messages(self, plan_ids: Collection[str]) -> Iterator[str]:
        """The messages that commands on these plans repeat until the rows are corrected."""
        for (period, plan_id), (count, fen) in sorted(self.plan_sums(plan_ids).items(), key=str):
            yield (
                f"{CLAIMS.name}: {count:,} claims of {period}, {plan_id or 'no plan'}, came after its settlement and "
                f"are in no settlement: {AFTER_SETTLEMENT.id}, {yuan(fen)} yuan of aid. `fentan quarantine` "
                "releases or waives them, `fentan correct` counts them in their period once that is closed; or remove "
                "the rows, or give them the publicity_period of an unsettled period."
            )


def late_claims(small: SmallTables, platform: Platform, version: int | None = None) -> LateClaims:
    """The late claims in a version of source/approved_claims (default: the newest).

    Empty if the table does not exist or its columns are not those of the dictionary: the commands that need its rows
    report that.
    """
    settled = published(small, "settle")
    if not settled or not is_readable_source(small, CLAIMS.name, version):
        return LateClaims()
    version = small.version(CLAIMS.name) if version is None else version
    if _is_read_by_all(small, settled.values(), version):
        return LateClaims()
    periods = {period for period, _ in settled}
    rows = small.rows(CLAIMS.name, matching(publicity_period=periods), CLAIMS.column_names, version)
    candidates = [
        row
        for row in rows
        if (row["publicity_period"], row["plan_id"]) in settled or row["plan_id"] not in platform.plans
    ]
    benefits = few_rows_of(small, "settled/benefits", settled.values())
    held = [row for row in small.rows(HELD_CLAIMS.name) if _is_held_by_settlement(row)]
    added = claims_added(candidates, [{**row, "publicity_period": row["period"]} for row in benefits], held)
    corrected = {
        (row["origin_period"], row["plan_id"], row["claim_id"])
        for row in few_rows_of(small, "settled/adjusted_benefits", corrections(small))
    }
    uncounted = [
        row
        for row in added
        if (row["publicity_period"], row["plan_id"], row["claim_id"]) not in corrected
        and not _counted_elsewhere(row, benefits)
    ]
    by_whom = deciders(small, CLAIMS.name) if uncounted else {}
    late = [row for row in uncounted if held_id_of(CLAIMS, row) not in by_whom]
    decided = [
        {**row, "released_by": by_whom[held_id]} for row in uncounted if (held_id := held_id_of(CLAIMS, row)) in by_whom
    ]
    return LateClaims(added, late, decided, _sums(late, platform))


def hold_late_claims(small: SmallTables, claims: LateClaims, period: str, run_id: str) -> None:
    """Makes the period's quarantine hold exactly the late claims and the released ones; call it under the run lock."""
    rows = [
        {
            "released_by": None,
            **row,
            "reasons": [AFTER_SETTLEMENT.id],
            "amount_at_stake_fen": row["approved_aid_fen"] or 0,
        }
        for row in (*claims.late, *claims.decided)
    ]
    is_late = f"array_has(reasons, '{AFTER_SETTLEMENT.id}')"
    hold_exactly(small, HELD_CLAIMS, rows, is_late, period, run_id, released_held_in(small, CLAIMS, period))


def _is_held_by_settlement(row: Mapping) -> bool:
    """Whether a row of the quarantine existed when its period was settled."""
    return row["held_in_period"] == row["publicity_period"] and AFTER_SETTLEMENT.id not in row["reasons"]


def _is_read_by_all(small: SmallTables, settled: Collection[Publication], version: int) -> bool:
    """Whether every settlement read this version of the claims; if so, none can be late."""
    table_id = small.table_id(CLAIMS.name, version)
    runs = rows_of_runs(small, {publication.run_id for publication in settled}).values()
    inputs = [json.loads(run["input_versions"]) for run in runs]
    return all(
        versions[CLAIMS.name] == version and versions.get(TABLE_IDS, {}).get(CLAIMS.name, table_id) == table_id
        for versions in inputs
    )


def _counted_elsewhere(claim: Mapping, benefits: Collection[Mapping]) -> bool:
    """Whether the claim counted in another period than the one it names."""
    key = ("plan_id", "member_id", "claim_id")
    return any(
        row["counted"] and row["period"] != claim["publicity_period"] and all(row[name] == claim[name] for name in key)
        for row in benefits
    )


def _sums(late: list[dict], platform: Platform) -> dict[tuple[str, str | None], tuple[int, int]]:
    sums: dict[tuple[str, str | None], tuple[int, int]] = {}
    for row in late:
        aid_fen = row["approved_aid_fen"] or 0
        key = row["publicity_period"], row["plan_id"] if row["plan_id"] in platform.plans else None
        count, fen = sums.get(key, (0, 0))
        sums[key] = count + 1, fen + (aid_fen if 0 <= aid_fen <= MOST_PLAUSIBLE_FEN else 0)
    return sums
