"""The results of the demo on one screen: shares, pools, collections, fee, balances, one member, pages, what is next."""

import json
from collections.abc import Iterable, Mapping, Sequence

from jobs.lake.small import SmallTables
from jobs.ledger.journal import BAD_DEBT, CASH, FEE_INCOME, POOL
from jobs.money import half_up
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.request import Request
from jobs.register.publications import published
from jobs.register.runs import rows_of_runs
from jobs.reporting.rows import published_few_rows
from jobs.rulebook.published_figures import published_figures

POOL_COLUMNS = ("case_count", "benefit_fen", "fee_fen", "case_sponsored_fen", "pool_fen", "due_fen", "covered_count")
RATE_COLUMNS = ("covered_count", "share_fen", "share_aid_fen", "share_fee_fen")
# Step of the explanation -> its name in the sum.
POOL_TERMS = {"benefits": "aid", "fee": "fee", "brought forward": "residual", "per-case cap": "above cap"}
SHOWN_ACCOUNTS = (CASH, POOL, FEE_INCOME, BAD_DEBT)


def results_of(small: SmallTables, request: Request, periods: Sequence[str]) -> dict:
    """The results of closed periods: `shares`, `pools`, `collections`, and the `balances` of the last one."""
    pools = _rows(small, "settled/pools", periods, POOL_COLUMNS)
    return {
        "periods": list(periods),
        "shares": _shares(small, request, periods, pools),
        "pools": pools,
        "collections": _collections(small, periods),
        "balances": _balances(small, periods[-1]),
    }


def text_of(document: Mapping) -> str:
    """The document as text of at most 40 lines."""
    lake, periods = document["lake"], document["periods"]
    covered = sum(pool["covered_count"] for pool in document["pools"] if pool["period"] == periods[-1])
    return "\n\n".join(
        [
            f"Lake {lake}: {covered:,} members; {' and '.join(periods)} are settled, collected and closed.",
            _shares_table(document["shares"]),
            _pools_table(document["pools"]),
            _collections_table(document["collections"]),
            _balances_table(document["balances"], periods[-1]),
            "\n".join([*_member_lines(document["member"]), *_next_lines(document)]),
        ]
    )


def _rows(small: SmallTables, table: str, periods: Iterable[str], columns: Iterable[str]) -> list[dict]:
    rows = published_few_rows(small, table, "collect", "close")
    names = ("period", "plan_id", *columns)
    return [{name: row[name] for name in names} for row in rows if row["period"] in periods]


def _shares(small: SmallTables, request: Request, periods: Sequence[str], pools: Iterable[Mapping]) -> list[dict]:
    """The shares by tier, what they would be without the per-case cap, and those that the platform published."""
    figures = published_figures(request.platform.platform_id, request.environment.platforms)
    standard_fen = {(f.of, f.plan): f.value for f in figures if f.measure == "share"}
    pool_of = {(pool["period"], pool["plan_id"]): pool for pool in pools}
    shares = []
    for rate in _rows(small, "settled/rates", periods, ("tier", *RATE_COLUMNS)):
        key = rate["period"], rate["plan_id"]
        published_fen = standard_fen.get(key) if rate["tier"] == "standard" else None
        shares.append({**rate, "uncapped_fen": _uncapped_fen(rate, pool_of[key]), "published_fen": published_fen})
    return shares


def _uncapped_fen(rate: Mapping, pool: Mapping) -> int | None:
    """The share if the members bore the part of each case above the cap too; None if nothing is shared."""
    pool_fen = pool["pool_fen"]
    return half_up(rate["share_fen"] * (pool_fen + pool["case_sponsored_fen"]), pool_fen) if pool_fen > 0 else None


def _collections(small: SmallTables, periods: Iterable[str]) -> list[dict]:
    """Collected money, lapses, final arrears and the fee, by period and plan."""
    collected = {key: act for key, act in published(small, "collect").items() if key[0] in periods}
    runs = rows_of_runs(small, {act.run_id for act in collected.values()})
    fees = {(row["period"], row["plan_id"]): row for row in published_few_rows(small, "ledger/fee", "collect", "close")}
    collections = []
    for (period, plan_id), act in collected.items():
        totals, fee = json.loads(runs[act.run_id]["totals"])[plan_id], fees[period, plan_id]
        collections.append({
            "period": period, "plan_id": plan_id, "collected_fen": totals["collected_fen"],
            "lapsed_count": totals["members"].get("lapsed", 0),
            "arrears_fen": totals["due_fen"] - totals["collected_fen"],
            "fee_received_fen": fee["received_fen"], "fee_result_fen": fee["result_fen"],
        })  # fmt: skip
    return collections


def _balances(small: SmallTables, period: str) -> list[dict]:
    """The balance of each account at the close, by plan; debit positive."""
    balances: dict[str, dict] = {}
    for row in published_few_rows(small, "ledger/balances", "collect", "close", period=period):
        balances.setdefault(row["plan_id"], {})[row["account"]] = row["carried_forward_fen"]
    return [{"period": period, "plan_id": plan_id, **accounts} for plan_id, accounts in balances.items()]


def _shares_table(shares: Iterable[Mapping]) -> str:
    amounts = ("share_fen", "share_aid_fen", "share_fee_fen", "uncapped_fen", "published_fen")
    rows = [
        [row["period"], row["plan_id"], row["tier"], row["covered_count"], *(_yuan(row[name]) for name in amounts)]
        for row in shares
    ]
    columns = ["period", "plan", "tier", "covered", "share", "aid", "fee", "without cap", "published"]
    return table_text("Shares (yuan a head)", columns, rows)


def _pools_table(pools: Iterable[Mapping]) -> str:
    amounts = ("benefit_fen", "fee_fen", "case_sponsored_fen", "due_fen")
    rows = [
        [row["period"], row["plan_id"], row["case_count"], *(_yuan(row[name]) for name in amounts)] for row in pools
    ]
    columns = ["period", "plan", "cases", "aid", "fee", "platform bears", "members owe"]
    return table_text("Pools (yuan; one case asks a member for at most the cap)", columns, rows)


def _collections_table(collections: Iterable[Mapping]) -> str:
    amounts = ("arrears_fen", "fee_received_fen", "fee_result_fen")
    rows = [
        [row["period"], row["plan_id"], _yuan(row["collected_fen"]), row["lapsed_count"],
         *(_yuan(row[name]) for name in amounts)]
        for row in collections
    ]  # fmt: skip
    columns = ["period", "plan", "collected", "lapsed", "arrears", "fee received", "less costs"]
    return table_text("Collected and closed (yuan; lapsed: memberships ended for arrears)", columns, rows)


def _balances_table(balances: Iterable[Mapping], period: str) -> str:
    rows = [[row["plan_id"], *(_yuan(row.get(account, 0)) for account in SHOWN_ACCOUNTS)] for row in balances]
    return table_text(f"Balances of {period} (yuan, debit positive)", ["plan", *SHOWN_ACCOUNTS], rows)


def _member_lines(member: Mapping) -> list[str]:
    """One member's period in at most three lines a plan."""
    lines = []
    for plan in member["plans"]:
        steps = {step["name"]: step for step in plan["steps"]}
        lines.append(f"Member {member['member_id']}, {member['period']}: {plan['because']}")
        if "share" in steps:
            terms = " ".join(_term(name, steps[step]["amount_fen"]) for step, name in POOL_TERMS.items())
            lines.append(f"  {terms.removeprefix('+ ')} = pool {_yuan(steps['pool']['amount_fen'])}")
            lines.append(f"  share {_yuan(steps['share']['amount_fen'])} yuan: {steps['share']['says']}")
    return lines


def _term(name: str, fen: int) -> str:
    """A term of a sum with its sign, e.g. `- residual 81.23`."""
    return f"{'-' if fen < 0 else '+'} {name} {yuan(abs(fen))}"


def _next_lines(document: Mapping) -> list[str]:
    lake, member = document["lake"], document["member"]
    return [
        f"Pages: {lake}/report/html/index.html links to the notice and the report of {document['periods'][-1]}.",
        f"Next: the README's commands settle {document['next']}. For a start:",
        '  export PATH="$PWD/.venv/bin:$PATH"',
        f"  fentan explain --lake {lake} --member {member['member_id']} --period {member['period']}",
        f"  fentan preview --lake {lake} --period {document['next']}",
    ]


def _yuan(fen: int | None) -> str:
    return "–" if fen is None else yuan(fen)
