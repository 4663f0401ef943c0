"""Source tables: owned by others, read at a pinned version, never written by a settlement."""

from schemas.table import CLAIM_ID, MEMBER_ID, PAYER_ID, PERIOD, PLAN_ID, TIER, Column, Table, fen, nullable

_BIRTH_DATE = Column("birth_date", "DATE", "date", "day of birth")
_SEX = Column("sex", "STRING", "F, M", "sex")
_PROVINCE = Column("province_code", "STRING", "GB/T 2260, 2 digits", "province of residence")

MEMBERS = Table(
    name="source/members",
    grain="one spell of one member in one plan and tier; spells of a member in a plan never overlap",
    key=("plan_id", "member_id", "joined_on"),
    partitioned_by=("plan_id",),
    columns=(
        MEMBER_ID,
        PLAN_ID,
        TIER,
        PAYER_ID,
        _BIRTH_DATE,
        _SEX,
        _PROVINCE,
        Column("city_tier", "TINYINT", "1..6, 6 = rural", "size class of the place of residence"),
        Column("joined_on", "DATE", "date", "day of joining; cover starts at 00:00 of the day after"),
        Column("waiting_ends_on", "DATE", "date", "last day of the waiting period"),
        nullable(Column("exited_on", "DATE", "date", "day the spell ended; null while it lasts")),
        nullable(Column("exit_reason", "STRING", "left, aided, arrears, age, ineligible", "why the spell ended")),
    ),
)

APPROVED_CLAIMS = Table(
    name="source/approved_claims",
    grain="one approved claim as publicised in one period",
    key=("claim_id",),
    partitioned_by=("publicity_period",),
    columns=(
        CLAIM_ID,
        PLAN_ID,
        MEMBER_ID,
        TIER,
        Column("publicity_period", "STRING", "YYYY-MM-Pn", "period in which the claim is shown to the members"),
        Column("illness_code", "STRING", "code", "illness, as listed by the platform"),
        Column("severity", "STRING", "severe, light", "severity of the illness"),
        Column("accident", "BOOLEAN", "true, false", "caused by an accident: no waiting period"),
        Column("diagnosed_on", "DATE", "date", "day of first diagnosis"),
        _BIRTH_DATE,
        _SEX,
        _PROVINCE,
        Column("approved_on", "DATE", "date", "day the claim was approved"),
        fen("approved_aid_fen", "aid approved, before the plan's limits"),
        Column("objection", "STRING", "none, pending, upheld, dismissed", "state of the members' objections"),
    ),
)

RECEIPTS = Table(
    name="source/receipts",
    grain="one attempt to deduct money from a payer",
    key=("receipt_id",),
    partitioned_by=("period",),
    looked_up_by=("attempted_on",),
    columns=(
        Column("receipt_id", "BIGINT", "id", "receipt"),
        PERIOD,
        PAYER_ID,
        fen("amount_fen", "money that came in, or went back; 0 where the deduction failed"),
        Column("outcome", "STRING", "collected, failed, returned", "what became of the attempt"),
        Column("attempted_on", "DATE", "date", "day of the attempt"),
    ),
)

OPERATING_COSTS = Table(
    name="source/operating_costs",
    grain="one cost of running the platform",
    key=("cost_id",),
    partitioned_by=(),
    columns=(
        Column("cost_id", "BIGINT", "id", "cost"),
        Column("month", "STRING", "YYYY-MM", "month the cost belongs to"),
        Column("category", "STRING", "investigation, technology, staff_and_premises", "use of the fee"),
        fen("amount_fen", "amount of the cost"),
        Column("description", "STRING", "text", "what was paid for"),
    ),
)

CLAIM_REVIEWS = Table(
    name="source/claim_reviews",
    grain="one application for aid that was reviewed",
    key=("review_id",),
    partitioned_by=(),
    columns=(
        Column("review_id", "BIGINT", "id", "review"),
        CLAIM_ID,
        PLAN_ID,
        Column("received_on", "DATE", "date", "day the application came in"),
        Column("decided_on", "DATE", "date", "day it was decided"),
        Column("decision", "STRING", "approved, refused, fraud", "outcome of the review"),
        fen("requested_aid_fen", "aid asked for"),
        Column("technique", "STRING", "ocr, remote_interview, graph, field, other", "what settled the review"),
    ),
)

FIELD_VISITS = Table(
    name="source/field_visits",
    grain="one visit of an investigator for one claim",
    key=("visit_id",),
    partitioned_by=(),
    columns=(
        Column("visit_id", "BIGINT", "id", "visit"),
        CLAIM_ID,
        Column("investigator_id", "BIGINT", "id", "investigator"),
        Column("site_kind", "STRING", "hospital, insurance_office", "kind of place visited"),
        Column("site_id", "BIGINT", "id", "place visited"),
        Column("visited_on", "DATE", "date", "day of the visit"),
        fen("fee_fen", "what the visit cost"),
    ),
)

RECOVERIES = Table(
    name="source/recoveries",
    grain="one amount of aid that came back after a fraud or a mistake; the table may be absent",
    key=("recovery_id",),
    partitioned_by=(),
    columns=(
        Column("recovery_id", "BIGINT", "id", "recovery"),
        CLAIM_ID,
        fen("amount_fen", "aid that came back, always above zero"),
        Column("recovered_on", "DATE", "date", "day the money came in"),
    ),
)

SOURCE_TABLES = (MEMBERS, APPROVED_CLAIMS, RECEIPTS, OPERATING_COSTS, CLAIM_REVIEWS, FIELD_VISITS, RECOVERIES)
