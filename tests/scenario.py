"""Scenarios as text files: a sentence, the arithmetic, given tables, expected tables; the file name is the case.

    A sentence that says what the scenario tests.

    P1  the arithmetic, as a person would write it

    given
    period | rounding | fee_ppm | ...
    P1     | ceil_fen | 80,000  | ...

    settled/pools
    period | pool_fen | ...

A table ends at an empty line. Of an expected table all rows are compared, in the listed columns.
"""

from dataclasses import dataclass
from pathlib import Path

from jobs.ledger.fee import fee_row
from jobs.ledger.journal import settlement_transfers
from jobs.money import SHARE_ROUNDING, apportion
from jobs.settlement.pool import pool_of
from jobs.settlement.shares import Sharing, pool_row, rate_rows
from tests.tables import rows_of

GIVEN = ("given", "members")
CARRIED = "carried"  # brought forward = carried forward of the previous period


@dataclass(frozen=True)
class Scenario:
    """Given and expected tables, by name."""

    given: dict[str, list[dict]]
    expected: dict[str, list[dict]]


def read_scenario(path: Path) -> Scenario:
    """The tables of a scenario: a line without a bar that is followed by one with bars names a table."""
    blocks = [block.splitlines() for block in path.read_text(encoding="utf-8").split("\n\n")]
    tables = {lines[0]: rows_of(lines[1:]) for lines in blocks if len(lines) > 1 and "|" in lines[1]}
    return Scenario(
        {name: rows for name, rows in tables.items() if name in GIVEN},
        {name: rows for name, rows in tables.items() if name not in GIVEN},
    )


def settle_scenario(given: dict[str, list[dict]]) -> dict[str, list[dict]]:
    """Settles the periods of one plan in their order with the pure functions of a settlement; rows by table."""
    tables = {name: [] for name in ("settled/pools", "settled/rates", "ledger/journal", "ledger/fee", "roundings")}
    carried_fen = None
    for terms in given["given"]:
        rows = _settle_period(terms, [row for row in given["members"] if row["period"] == terms["period"]], carried_fen)
        carried_fen = rows["settled/pools"][0]["carried_forward_fen"]
        for name in tables:
            tables[name] += [{"period": terms["period"], **row} for row in rows[name]]
    return tables


def _settle_period(terms: dict, members: list[dict], carried_fen: int | None) -> dict[str, list[dict]]:
    brought_fen = carried_fen if terms["brought_forward_fen"] == CARRIED else terms["brought_forward_fen"]
    ask = pool_of(terms["case_count"], terms["benefit_fen"], terms["case_sponsored_fen"], terms["fee_ppm"], brought_fen)
    covered = {row["tier"]: row["covered_count"] for row in members}
    weights = {row["tier"]: row["weight_ppm"] for row in members}
    shares = apportion(ask.pool_fen, covered, weights, terms["rounding"])
    sharing = Sharing(ask, covered, weights, terms["rounding"], shares)
    pool = pool_row(sharing, terms["member_sponsored_fen"], "a rule version")
    transfers = settlement_transfers(pool)
    return {
        "settled/pools": [pool],
        "settled/rates": rate_rows(sharing, shares.billed_by_tier_fen),
        "ledger/journal": [transfer._asdict() for transfer in transfers],
        "ledger/fee": [fee_row(transfers, brought_fen)],
        "roundings": [
            _priced(policy, apportion(ask.pool_fen, covered, weights, policy), ask.pool_fen)
            for policy in SHARE_ROUNDING
        ],
    }


def _priced(policy: str, shares, pool_fen: int) -> dict:
    return {
        "rounding": policy,
        **{f"{tier}_fen": share_fen for tier, share_fen in shares.share_fen.items()},
        "one_fen_more_count": shares.one_fen_more_count,
        "billed_fen": shares.billed_fen,
        "carried_forward_fen": shares.billed_fen - pool_fen,
    }
