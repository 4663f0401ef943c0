"""The measures of report/period_summary and report/annual. Any other name is an error, not an empty cell.

A measure whose name ends in `_fen` is an amount in fen; every other measure is a quantity.
"""

from collections.abc import Iterable, Mapping

from schemas import TABLES

PUBLISHED = "published"  # topic of the figures that the platform published, next to the lake's own


class UnknownMeasure(Exception):
    """A topic, measure or column is used that the report does not have."""


class Measures:
    """The measures of one report table by topic; `dimensions`: the columns that identify the group of a value."""

    def __init__(self, table: str, dimensions: Iterable[str], by_topic: Mapping[str, Iterable[str]]):
        self.table, self.dimensions = table, tuple(dimensions)
        self.by_topic = {topic: tuple(names) for topic, names in by_topic.items()}

    def row(self, topic: str, measure: str, value: int | None, **dimensions: str) -> dict:
        """One row: each dimension that is not named is `all`; `value` is amount_fen or quantity."""
        self._check(topic, measure, dimensions)
        is_amount = measure.endswith("_fen")
        return {
            **dict.fromkeys(self.dimensions, "all"), **dimensions, "topic": topic, "measure": measure,
            "quantity": None if is_amount else value, "amount_fen": value if is_amount else None,
        }  # fmt: skip

    def select(self, rows: Iterable[dict], topic: str, measure: str | None = None) -> list[dict]:
        """The rows of a topic, or of one measure of it, in their order."""
        self._check(topic, measure, ())
        return [row for row in rows if row["topic"] == topic and measure in (None, row["measure"])]

    def value(self, rows: Iterable[dict], topic: str, measure: str, **dimensions: str) -> int | None:
        """The value of the row with these dimensions, the others being `all`; None if the report has no such row."""
        self._check(topic, measure, dimensions)
        wanted = {**dict.fromkeys(self.dimensions, "all"), **dimensions, "topic": topic, "measure": measure}
        matches = (row for row in rows if all(row[name] == value for name, value in wanted.items()))
        return next((row["amount_fen" if measure.endswith("_fen") else "quantity"] for row in matches), None)

    def _check(self, topic: str, measure: str | None, dimensions: Iterable[str]) -> None:
        if topic not in self.by_topic or measure is not None and measure not in self.by_topic[topic]:
            raise UnknownMeasure(f"{self.table}: there is no measure {topic}/{measure}")
        if unknown := set(dimensions) - set(self.dimensions):
            raise UnknownMeasure(f"{self.table}: there is no dimension {', '.join(sorted(unknown))}")


# Columns of settled/adjusted_pools, and the sum of settled/adjusted_benefits.recovered_fen.
CORRECTION_AMOUNTS = ("delta_benefit_fen", "delta_fee_fen", "delta_due_fen", "asked_fen", "refunded_fen",
                      "written_off_fen", "pooled_fen", "recovered_fen", "adjusted_fen")  # fmt: skip

PERIOD = Measures(
    "report/period_summary",
    ("plan_id", "tier", "age_band", "member_months", "item"),
    {
        "share": ("covered", "share_fen", "share_aid_fen", "share_fee_fen", "billed_fen"),
        "causes": ("share_change_fen",),
        "members": ("covered", "joined", "ended", "lapsed"),
        "collection": ("members", "due_fen", "collected_fen", "owed_fen"),
        "fee": TABLES["ledger/fee"].amount_columns,
        "balances": TABLES["ledger/balances"].amount_columns,
        "corrections": (*CORRECTION_AMOUNTS, "case_count"),
        "corrected": (*CORRECTION_AMOUNTS, "case_count"),
        "money": (*TABLES["settled/pools"].amount_columns, "case_count", "covered_count"),
        "quality": ("unexpected_count", "at_stake_fen"),
        "quarantine": ("held", "at_stake_fen"),
    },
)

YEAR_AMOUNTS = ("benefit_fen", "fee_fen", "case_sponsored_fen", "member_sponsored_fen", "billed_fen", "due_fen")
YEAR_FEES = ("accrued_fen", "sponsored_fen", "received_fen", "outstanding_fen", "written_off_fen")
VISIT_COUNTS = ("visits", "investigators", "hospitals", "insurance_offices")

ANNUAL = Measures(
    "report/annual",
    ("plan_id", "sex", "item"),
    {
        "helped": ("helped", "helped_year_before", "helped_by_province", "helped_by_illness"),
        "shared_out": (*YEAR_AMOUNTS, "share_year_fen", "periods"),
        "periods": ("published", "closed", "missing"),
        "members": ("covered", "mean_age_tenths", "covered_by_city_tier"),
        "fee": (*YEAR_FEES, "used_fen", "used_ppm", "result_fen", *VISIT_COUNTS),
        "review": ("reviews", "mean_days_tenths", "fraud_saved_fen"),
        "source": ("version_of_close", "version_of_today"),
    },
)
