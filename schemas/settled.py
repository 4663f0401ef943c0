"""Settled tables: what a period's settlement and collection say of each case, pool, tier, member and payer."""

from schemas.table import (
    CLAIM_ID,
    MEMBER_ID,
    PAYER_ID,
    PERIOD,
    PLAN_ID,
    RULE_VERSION,
    RUN_ID,
    TIER,
    Column,
    Table,
    count,
    fen,
    nullable,
)

BY_PERIOD_AND_PLAN = ("period", "plan_id")
_DUE = fen("due_fen", "what is owed: share less what the platform bears")

BENEFITS = Table(
    name="settled/benefits",
    grain="one claim publicised in the period, counted or not",
    key=("period", "plan_id", "claim_id"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        PERIOD,
        PLAN_ID,
        CLAIM_ID,
        MEMBER_ID,
        Column("illness_code", "STRING", "code", "illness, as listed by the platform"),
        Column("severity", "STRING", "severe, light", "severity of the illness"),
        Column("age_band", "STRING", "years, from-to", "ten-year band of the age at first diagnosis"),
        fen("approved_aid_fen", "aid approved, before the plan's limits"),
        fen("benefit_fen", "aid payable; 0 where the claim does not count"),
        fen("sponsored_fen", "part of benefit and fee above the per-case cap, borne by the platform"),
        Column("counted", "BOOLEAN", "true, false", "whether the claim is part of the period's pool"),
        nullable(Column("marker", "STRING", "code", "why the claim does not count, or how it was limited")),
        RULE_VERSION,
        RUN_ID,
    ),
)

POOLS = Table(
    name="settled/pools",
    grain="one period and plan",
    key=("period", "plan_id"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        PERIOD,
        PLAN_ID,
        count("case_count", "claims that count"),
        fen("benefit_fen", "sum of the benefits that count"),
        fen("fee_fen", "administration fee on the benefits, half up"),
        fen("brought_forward_fen", "residual of the previous period; negative where too little was charged"),
        fen("case_sponsored_fen", "borne by the platform under the per-case cap"),
        fen("pool_fen", "benefits + fee - brought forward - case sponsored: what the members share"),
        count("covered_count", "members covered at 00:00 of the publicity day"),
        fen("billed_fen", "sum of the shares"),
        fen("member_sponsored_fen", "part of the shares borne by the platform (yearly cap, waiver, funded periods)"),
        fen("due_fen", "sum of what the members owe"),
        fen("carried_forward_fen", "billed - pool: residual for the next period"),
        Column("rounding", "STRING", "ceil_fen, half_up, exact", "rounding policy of the shares"),
        RULE_VERSION,
        RUN_ID,
    ),
)

RATES = Table(
    name="settled/rates",
    grain="one period, plan and tier",
    key=("period", "plan_id", "tier"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        PERIOD,
        PLAN_ID,
        TIER,
        count("covered_count", "members of the tier covered at 00:00 of the publicity day"),
        Column("weight_ppm", "BIGINT", "ppm", "weight of the tier"),
        fen("share_fen", "share of one member; under exact rounding the lower of the two shares"),
        fen("share_aid_fen", "part of the share that is aid"),
        fen("share_fee_fen", "part of the share that is fee: share x fee / (benefit + fee), half up"),
        fen("billed_fen", "sum of the tier's shares"),
        RUN_ID,
    ),
)

ASSESSMENTS = Table(
    name="settled/assessments",
    grain="one covered member in one plan and period",
    key=("period", "plan_id", "member_id"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    looked_up_by=("payer_id",),
    columns=(
        PERIOD,
        PLAN_ID,
        MEMBER_ID,
        PAYER_ID,
        TIER,
        fen("share_fen", "the member's part of the pool"),
        fen("sponsored_fen", "part of the share borne by the platform"),
        _DUE,
        nullable(Column("marker", "STRING", "code", "why the platform bears it; null for an ordinary share")),
        RUN_ID,
    ),
)

BILLS = Table(
    name="settled/bills",
    grain="one payer with at least one assessment in one plan and period, zero due included",
    key=("period", "plan_id", "payer_id"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        PERIOD,
        PLAN_ID,
        PAYER_ID,
        count("member_count", "assessments on the bill"),
        _DUE,
        RUN_ID,
    ),
)

ADJUSTMENTS = Table(
    name="settled/adjustments",
    grain="one correction of one member, posted into an open period",
    key=("period", "plan_id", "member_id", "origin_period"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    is_planned=True,
    columns=(
        PERIOD,
        PLAN_ID,
        MEMBER_ID,
        Column("origin_period", "STRING", "YYYY-MM-Pn", "closed period that is corrected"),
        fen("delta_fen", "signed change of what was due"),
        Column("reason", "STRING", "code", "why it is corrected"),
        RUN_ID,
    ),
)

COLLECTIONS = Table(
    name="settled/collections",
    grain="one assessed member in one plan and period",
    key=("period", "plan_id", "member_id"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        PERIOD,
        PLAN_ID,
        MEMBER_ID,
        _DUE,
        fen("collected_fen", "money received for the member"),
        Column("status", "STRING", "collected, in_grace, lapsed, netted, waived", "state of the member's due"),
        nullable(Column("collected_on", "DATE", "date", "day the due, or the part of it collected, was met")),
        RUN_ID,
    ),
)

LAPSES = Table(
    name="settled/lapses",
    grain="one membership ended for arrears",
    key=("plan_id", "member_id", "period"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        PERIOD,
        PLAN_ID,
        MEMBER_ID,
        Column("ended_at", "TIMESTAMP", "UTC instant", "exact instant at which cover ended"),
        RUN_ID,
    ),
)

SETTLED_TABLES = (BENEFITS, POOLS, RATES, ASSESSMENTS, BILLS, ADJUSTMENTS, COLLECTIONS, LAPSES)
