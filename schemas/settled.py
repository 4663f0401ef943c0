"""Settled tables: what a period's settlement and collection say of each case, pool, tier, member and payer."""

from dataclasses import replace

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
        fen(
            "brought_forward_fen", "residual of the previous period and adjusted_fen; negative: too little was charged"
        ),
        fen("adjusted_fen", "part of it that corrections of closed periods posted into the period"),
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
    grain="one payer with an assessment or an adjustment in one plan and period, zero due included",
    key=("period", "plan_id", "payer_id"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        PERIOD,
        PLAN_ID,
        PAYER_ID,
        count("member_count", "assessments on the bill; 0 where it has adjustments only"),
        _DUE,
        fen("adjustment_fen", "additional dues less refunds of corrected periods"),
        RUN_ID,
    ),
)

ORIGIN = Column("origin_period", "STRING", "YYYY-MM-Pn", "closed period that is corrected")
REVISION = Column("revision", "INT", "number from 1", "correction into the period that the row belongs to")
OF_CORRECTION = (PERIOD, PLAN_ID, ORIGIN, REVISION)
CORRECTION_KEY = ("period", "plan_id", "origin_period", "revision")
DISPOSITION = Column(
    "disposition", "STRING", "asked, refunded, written_off, pooled", "who bears it: payer, write-off or next pool"
)

ADJUSTMENTS = Table(
    name="settled/adjustments",
    grain="one part of one member's difference of a closed period, posted into an open one",
    key=(*CORRECTION_KEY, "member_id", "disposition"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    looked_up_by=("payer_id",),
    columns=(
        *OF_CORRECTION,
        MEMBER_ID,
        DISPOSITION,
        replace(PAYER_ID, meaning="who is asked: today's payer; refunded or written off: the one charged then"),
        fen(
            "delta_fen",
            "signed change of the due, never 0; asked < 0, refunded > 0: takes back an earlier revision",
        ),
        Column("reason", "STRING", "not_covered, newly_covered, tier, share", "why the due differs"),
        RUN_ID,
    ),
)

ADJUSTED_BENEFITS = Table(
    name="settled/adjusted_benefits",
    grain="one case whose benefit is corrected",
    key=(*CORRECTION_KEY, "claim_id"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        *OF_CORRECTION,
        CLAIM_ID,
        MEMBER_ID,
        fen("delta_benefit_fen", "signed change of the benefit"),
        fen("delta_sponsored_fen", "signed change of the part borne by the platform under the per-case cap"),
        fen("recovered_fen", "recovered aid booked; below 0 where a recovery was withdrawn"),
        Column("marker", "STRING", "added, aid_changed, struck_out, recovered", "why the benefit differs"),
        RUN_ID,
    ),
)

ADJUSTED_POOLS = Table(
    name="settled/adjusted_pools",
    grain="one correction of one closed period and plan",
    key=CORRECTION_KEY,
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        *OF_CORRECTION,
        count("delta_case_count", "signed change of the claims that count"),
        fen("delta_benefit_fen", "signed change of the benefits"),
        fen("delta_fee_fen", "signed change of the fee"),
        fen("delta_case_sponsored_fen", "signed change of what the platform bears under the per-case cap"),
        fen("delta_billed_fen", "signed change of the shares"),
        fen("delta_member_sponsored_fen", "signed change of the shares borne by the platform"),
        fen("delta_due_fen", "signed change of the dues"),
        fen("delta_carried_forward_fen", "signed change of the residual"),
        fen("asked_fen", "additional dues, less those of earlier revisions that are cancelled"),
        fen("refunded_fen", "refunds as negative amounts, less those of earlier revisions that are cancelled"),
        fen("written_off_fen", "write-offs taken back, at most 0"),
        fen("pooled_fen", "signed differences borne by the members of the open period"),
        fen("adjusted_fen", "what the correction adds to the residual brought forward by the open period"),
        Column("reason", "STRING", "text", "why the period is corrected, in the operator's words"),
        RULE_VERSION,
        RUN_ID,
    ),
)

REINSTATEMENTS = Table(
    name="settled/reinstatements",
    grain="one member whose lapse for a closed period is void",
    key=(*CORRECTION_KEY, "member_id"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        *OF_CORRECTION,
        MEMBER_ID,
        Column("reason", "STRING", "paid_in_time, nothing_owed", "why the lapse is void"),
        fen("amount_fen", "money paid in time that is taken in now"),
        RUN_ID,
    ),
)

ADJUSTMENT_COLLECTIONS = Table(
    name="settled/adjustment_collections",
    grain="one additional due or refund in the collection of the period it was posted into",
    key=(*CORRECTION_KEY, "member_id", "disposition"),
    partitioned_by=BY_PERIOD_AND_PLAN,
    columns=(
        *OF_CORRECTION,
        MEMBER_ID,
        replace(DISPOSITION, unit="asked, refunded", meaning="additional due or refund"),
        PAYER_ID,
        fen("delta_fen", "the additional due, or the refund below 0; other sign: takes back an earlier revision"),
        fen("met_fen", "what of it is met or paid out, with the sign of delta_fen: whole or 0"),
        Column(
            "status", "STRING", "collected, in_grace, written_off, refunded", "state of the additional due or refund"
        ),
        nullable(Column("collected_on", "DATE", "date", "day on which it was met or paid out")),
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

SETTLED_TABLES = (
    BENEFITS, POOLS, RATES, ASSESSMENTS, BILLS, ADJUSTMENTS, ADJUSTED_BENEFITS, ADJUSTED_POOLS, REINSTATEMENTS,
    ADJUSTMENT_COLLECTIONS, COLLECTIONS, LAPSES,
)  # fmt: skip
