"""The shares over the periods, as a figure and as a table: part of every report."""

from jobs.reporting import words
from jobs.reporting.plots import figure, lines
from jobs.reporting.text import Table, Text, money

T = Text


def share_figure(history: list[dict], plan_name):
    """The shares over the periods, one panel per plan that ever charged, one line per tier."""
    charged = {row["plan_id"] for row in history if row["share_fen"]}
    shown = [row for row in history if row["plan_id"] in charged] or history

    def draw(language: str):
        rows = [
            {"period": row["period"], "value": row["share_fen"],
             "group": words.in_language(words.named(row["tier"]), language),
             "panel": words.in_language(plan_name(row["plan_id"]), language)}
            for row in sorted(shown, key=lambda row: (row["plan_id"], row["tier"] != "standard", row["period"]))
        ]  # fmt: skip
        return lines(rows)

    return figure(
        T(
            "每人分摊（元），按计划和档次。各计划的刻度不同。",
            "Share per head in yuan by plan and tier. Each plan has its own scale.",
        ),
        T(
            "折线图：各期每人分摊，数值见下表。",
            "Line chart: share per head by period; the table below has the numbers.",
        ),
        draw,
    )


def share_table(history: list[dict], plan_name) -> Table:
    """The same as a table: one row per period, one column per plan and tier."""
    keys = sorted({(row["plan_id"], row["tier"]) for row in history}, key=lambda key: (key[0], key[1] != "standard"))
    found = {(row["period"], row["plan_id"], row["tier"]): row for row in history}
    names = [T("{plan} {tier}", "{plan}, {tier}").format(plan=plan_name(p), tier=words.named(t)) for p, t in keys]
    share = lambda period, key: money(found[(period, *key)]["share_fen"]) if (period, *key) in found else money(None)  # noqa: E731
    rows = tuple((period, *(share(period, key) for key in keys)) for period in sorted({r["period"] for r in history}))
    return Table(T("每人分摊（元）", "Share per head (yuan)"), (T("期", "period"), *names), rows)
