"""The shares over the periods, as a figure and as a table: part of every report."""

from collections.abc import Callable

from jobs.base.catalogue import Text, catalogue
from jobs.reporting import words
from jobs.reporting.plots import figure, lines
from jobs.reporting.text import Figure, Section, Table, money

COMMON = catalogue("jobs.reporting", "common")
SHARES = catalogue("jobs.reporting", "shares")


def share_section(rates: list[dict], plan_name: Callable[[str], Text]) -> Section:
    """The figure and the table under one heading."""
    return Section(SHARES["section"], share_parts(rates, plan_name))


def share_parts(rates: list[dict], plan_name: Callable[[str], Text]) -> tuple[Figure, Table]:
    """The figure and the table. `rates`: rows of settled/rates; `plan_name`: the name of a plan id."""
    return _share_figure(rates, plan_name), _share_table(rates, plan_name)


def _share_figure(rates: list[dict], plan_name: Callable[[str], Text]) -> Figure:
    """One panel per plan that ever charged a share, one line per tier."""
    charging_plans = {rate["plan_id"] for rate in rates if rate["share_fen"]}
    drawn_rates = [rate for rate in rates if rate["plan_id"] in charging_plans] or rates

    def draw(language: str):
        rows = [
            {"period": rate["period"], "value": rate["share_fen"],
             "group": words.in_language(words.named(rate["tier"]), language),
             "panel": words.in_language(plan_name(rate["plan_id"]), language)}
            for rate in sorted(drawn_rates, key=lambda r: (r["plan_id"], r["tier"] != "standard", r["period"]))
        ]  # fmt: skip
        return lines(rows)

    return figure(SHARES["figure"], SHARES["figure_description"], draw)


def _share_table(rates: list[dict], plan_name: Callable[[str], Text]) -> Table:
    """One row per period, one column per plan and tier."""
    columns = sorted({(r["plan_id"], r["tier"]) for r in rates}, key=lambda key: (key[0], key[1] != "standard"))
    share_fen = {(r["period"], r["plan_id"], r["tier"]): r["share_fen"] for r in rates}
    names = [words.plan_and_tier(plan_name(plan_id), tier) for plan_id, tier in columns]
    rows = tuple(
        (period, *(money(share_fen.get((period, *column))) for column in columns))
        for period in sorted({r["period"] for r in rates})
    )
    return Table(SHARES["table"], (COMMON["period"], *names), rows)
