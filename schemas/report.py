"""Report tables: what is published of a period and of a year. Nothing in them points to a person."""

from schemas.table import PERIOD, PLAN_ID, TIER, Column, Table, count, fen, nullable

HIDDEN = "hidden"
SETTLED_BY = Column("run_id", "STRING", "id", "settlement that the row reports; valid once that run is published")

PUBLICITY = Table(
    name="report/publicity",
    grain="one case publicised in the period, masked; no claim, no member",
    key=("period", "plan_id", "case_no"),
    partitioned_by=("period", "plan_id"),
    columns=(
        PERIOD,
        PLAN_ID,
        Column("case_no", "BIGINT", "number from 1", "number in the plan's notice, in the order of what is shown"),
        Column("illness_code", "STRING", "code", "illness; other_severe also where too few cases share the illness"),
        Column("severity", "STRING", "severe, light", "severity of the illness"),
        Column("age_band", "STRING", "years, from-to; hidden", "band of ten or twenty years, or hidden"),
        Column("sex", "STRING", "F, M, hidden", "sex, or hidden"),
        Column("place", "STRING", "province 41, region 4x, hidden", "province, or the region it is in, or hidden"),
        Column("member_months", "STRING", "months, from-to; hidden", "how long a member on the publicity day"),
        fen("aid_fen", "aid payable; 0 where the case does not count"),
        Column("counted", "BOOLEAN", "true, false", "whether the case is part of the period's pool"),
        nullable(Column("marker", "STRING", "code", "why the case does not count, or how it was limited")),
        Column("objection", "STRING", "none, pending, upheld, dismissed", "members' objection and its outcome"),
        Column("first_period", "STRING", "YYYY-MM-Pn", "period in which the case was first publicised"),
        nullable(Column("settled_period", "STRING", "YYYY-MM-Pn", "period the case was finally settled in")),
        count("shared_by_count", "covered members of the plan with the same age band, sex, place and months shown"),
        count("floor_count", "how many have to share what is shown"),
        SETTLED_BY,
    ),
)

PERIOD_SUMMARY = Table(
    name="report/period_summary",
    grain="one measure of one plan's period, for one tier, age band, length of membership and item",
    key=("period", "plan_id", "topic", "measure", "tier", "age_band", "member_months", "item"),
    partitioned_by=("period", "plan_id"),
    columns=(
        PERIOD,
        PLAN_ID,
        Column(
            "topic",
            "STRING",
            "code",
            "share, causes, members, collection, fee, balances, corrections (into the period), corrected (the period "
            "itself), money, quality, quarantine",
        ),
        Column("measure", "STRING", "code", "what is measured"),
        Column("tier", TIER.type, "standard, basic, all, hidden", "tier the measure is of; hidden: too few share it"),
        Column("age_band", "STRING", "years, from-to; all, hidden", "band of ten years on the publicity day"),
        Column("member_months", "STRING", "months, from-to; all, hidden", "how long a member on the publicity day"),
        Column(
            "item",
            "STRING",
            "code; all, hidden",
            "cause, status, account, rule or reason the measure is of; of a correction, the other period",
        ),
        nullable(count("quantity", "how many; null for a measure of money; without a row: none, or hidden")),
        nullable(fen("amount_fen", "how much; null for a measure that counts")),
        SETTLED_BY,
    ),
)

AGEING = Table(
    name="report/ageing",
    grain="arrears of one plan's period by what became of them and the days since the deduction",
    key=("period", "plan_id", "status", "debt_days"),
    partitioned_by=("period", "plan_id"),
    columns=(
        PERIOD,
        PLAN_ID,
        Column("status", "STRING", "in_grace, lapsed", "whether the members may still pay, or their cover ended"),
        Column("debt_days", "STRING", "days, from-to", "days from the deduction to the day of the last collection"),
        Column("as_of", "DATE", "date", "day of the last collection"),
        count("member_count", "members with arrears"),
        fen("owed_fen", "still to be collected; all of a plan's period: its balance of members_receivable"),
        fen("written_off_fen", "given up at the grace limit; all of a plan's period: what its journal wrote off"),
        SETTLED_BY,
    ),
)

ANNUAL = Table(
    name="report/annual",
    grain="one measure of one year and plan, for one sex and item",
    key=("year", "plan_id", "topic", "measure", "sex", "item"),
    partitioned_by=("year",),
    columns=(
        Column("year", "INT", "year", "calendar year of the publicity days"),
        Column("plan_id", "STRING", "code; all", "plan the measure is of"),
        Column("topic", "STRING", "code", "helped, shared_out, periods, members, fee, review, source, published"),
        Column("measure", "STRING", "code", "what is measured"),
        Column("sex", "STRING", "F, M, all", "sex the measure is of"),
        Column(
            "item",
            "STRING",
            "code; all",
            "province, illness, city tier, use, technique, missing period or source and month",
        ),
        nullable(count("quantity", "how many; null for a measure of money")),
        nullable(fen("amount_fen", "how much; null for a measure that counts")),
        nullable(count("published_quantity", "the figure the platform published, as published")),
        nullable(fen("published_fen", "the amount the platform published, as published")),
        nullable(count("scaled_quantity", "the published figure at the scale of this lake")),
        nullable(fen("scaled_fen", "the published amount at the scale of this lake")),
        Column("run_id", "STRING", "id", "report that wrote the row: its row in control/runs, which names its inputs"),
    ),
)

REPORT_TABLES = (PUBLICITY, PERIOD_SUMMARY, AGEING, ANNUAL)
