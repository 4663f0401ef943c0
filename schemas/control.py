"""Control tables: which run did what from which inputs, what is published, what was found wrong."""

from dataclasses import replace

from schemas.sources import APPROVED_CLAIMS, FIELD_VISITS, MEMBERS, OPERATING_COSTS, RECEIPTS
from schemas.table import PERIOD, PLAN_ID, RUN_ID, Column, Table, count, fen, nullable

RUNS = Table(
    name="control/runs",
    grain="one run",
    key=("run_id",),
    partitioned_by=(),
    columns=(
        RUN_ID,
        Column("job", "STRING", "command", "command that ran"),
        Column("period", "STRING", "YYYY-MM-Pn; YYYY", "settlement period; of a report the year"),
        Column("plan_id", "STRING", "codes", "plans of the run, sorted, separated by commas"),
        Column("state", "STRING", "running, published, refused, failed, interrupted", "what became of the run"),
        Column("started_at", "TIMESTAMP", "UTC instant", "start of the latest attempt"),
        nullable(Column("finished_at", "TIMESTAMP", "UTC instant", "end of the latest attempt")),
        Column("input_versions", "STRING", "JSON", "version of each input table, and the predecessor of each plan"),
        Column("conf_digest", "STRING", "digest", "digest of `rules`"),
        Column("code_version", "STRING", "version+digest", "version of the program, digest of what bears on amounts"),
        Column("rules", "STRING", "canonical JSON", "the rule values and days that decided the run, whole"),
        nullable(Column("digests", "STRING", "JSON", "per plan and table: rows, sums and order-free hash")),
        nullable(Column("totals", "STRING", "JSON", "per plan: the pool, and what became of each source row")),
        Column(
            "settings", "STRING", "JSON", "settings that bear on the result, messages, and how long each stage took"
        ),
    ),
)

LAKE = Table(
    name="control/lake",
    grain="the lake: one row, written with its first table",
    key=("platform_id",),
    partitioned_by=(),
    columns=(
        Column("platform_id", "STRING", "code", "platform that the lake belongs to"),
        Column("layout_version", "INT", "number", "version of the layout of the lake's tables"),
        Column("recorded_at", "TIMESTAMP", "UTC instant", "instant of the first write"),
        RUN_ID,
    ),
)

LOCK = Table(
    name="control/lock",
    grain="the run lock of a lake that is no local folder: one row while a run holds it",
    key=("owner",),
    partitioned_by=(),
    columns=(Column("owner", "STRING", "JSON", "run that holds the lake, its machine, and until when"),),
)

PUBLICATIONS = Table(
    name="control/publications",
    grain="one act on one plan's period: append-only, the commit point",
    key=("period", "plan_id", "job", "revision", "action"),
    partitioned_by=(),
    columns=(
        PERIOD,
        PLAN_ID,
        Column("job", "STRING", "command", "command whose rows become valid"),
        Column("revision", "INT", "number from 1", "which publication of the period this is"),
        Column("action", "STRING", "published, withdrawn, closed", "what the row says"),
        RUN_ID,
        Column("published_at", "TIMESTAMP", "UTC instant", "instant of the act"),
        Column("digest", "STRING", "digest", "digest over all tables of the plan"),
    ),
)

QUALITY = Table(
    name="control/quality",
    grain="one expectation on one table in one run",
    key=("run_id", "table_name", "id"),
    partitioned_by=(),
    columns=(
        RUN_ID,
        PERIOD,
        Column("table_name", "STRING", "table", "table that was judged"),
        Column("expectation", "STRING", "type", "Great Expectations type of the expectation"),
        Column("id", "STRING", "code", "rule"),
        Column("sentence", "STRING", "text", "the rule in words"),
        Column(
            "severity", "STRING", "critical, error, warning", "critical stops, error quarantines, warning is recorded"
        ),
        Column("observed", "STRING", "text", "what was found"),
        count("unexpected_count", "rows against the rule"),
        fen("amount_at_stake_fen", "money those rows would move"),
        Column("success", "BOOLEAN", "true, false", "whether the rule holds"),
        Column("suite_digest", "STRING", "digest", "digest of the suite the rule belongs to"),
    ),
)

_HELD = (
    Column("reasons", "ARRAY<STRING>", "codes", "every rule the row breaks"),
    Column("held_in_period", "STRING", "YYYY-MM-Pn", "period whose run held the row; rows of earlier periods stay"),
    Column("first_seen_period", "STRING", "YYYY-MM-Pn", "period in which the row was first held"),
    fen(
        "amount_at_stake_fen",
        "money the row would move: aid, a share, a cost, or what met no share",
    ),
    nullable(Column("released_by", "STRING", "text", "who or what released the row; null while it is held")),
    RUN_ID,
)


def _held_rows_of(source: Table, name: str) -> Table:
    return replace(
        source,
        name=name,
        grain=f"one row of {source.name} held back in a period, with every reason",
        key=("held_in_period", *source.key),
        partitioned_by=("held_in_period",),  # no folder is named after the text of a row that is wrong
        columns=(*(nullable(column) for column in source.columns), *_HELD),
    )


QUARANTINE_MEMBERS = _held_rows_of(MEMBERS, "control/quarantine_members")
QUARANTINE_CLAIMS = _held_rows_of(APPROVED_CLAIMS, "control/quarantine_claims")
QUARANTINE_RECEIPTS = replace(
    _held_rows_of(RECEIPTS, "control/quarantine_receipts"),
    grain="one receipt held back in a period, whole or for the part that met no share, with every reason",
)

QUARANTINE_COSTS = _held_rows_of(OPERATING_COSTS, "control/quarantine_costs")
QUARANTINE_VISITS = _held_rows_of(FIELD_VISITS, "control/quarantine_visits")

CONTROL_TABLES = (
    LAKE, LOCK, RUNS, PUBLICATIONS, QUALITY, QUARANTINE_MEMBERS, QUARANTINE_CLAIMS, QUARANTINE_RECEIPTS,
    QUARANTINE_COSTS, QUARANTINE_VISITS,
)  # fmt: skip
