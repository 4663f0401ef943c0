"""The id of a held row: a digest of the row's values, which another program can recompute.

held_id = the first 16 hex digits of the SHA-256 of the canonical JSON of a list: the name of the source table (such as
"source/members"), then the row's values in the order of the data dictionary, each as text, or null. Numbers are decimal
without leading zeros, days YYYY-MM-DD, booleans true or false. Canonical JSON: no spaces, and each UTF-16 unit outside
printable ASCII as \\uxxxx in lower hex (\\b, \\t, \\n, \\f, \\r for these five). A day outside the years 1 to 9999 is
null, as in the quarantine. Equal rows have the same id.

Written twice: `held_id_column` for frames, `held_id_of` for rows on the driver; a property test compares them.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import functions as F

from expectations.dates import FIRST_DAY, LAST_DAY
from jobs.base.canonical import canonical_digest
from schemas import Column, Table

DIGITS = 16
# The JSON escape of one UTF-16 unit `u`, written as four upper hex digits. No backslash is written out, because Spark's
# settings decide how it is read.
ESCAPED_UNIT = """CASE
    WHEN u IN ('0022', '005C') THEN concat(chr(92), chr(CAST(conv(u, 16, 10) AS BIGINT)))
    WHEN u BETWEEN '0020' AND '007E' THEN chr(CAST(conv(u, 16, 10) AS BIGINT))
    WHEN u = '0008' THEN concat(chr(92), 'b')
    WHEN u = '0009' THEN concat(chr(92), 't')
    WHEN u = '000A' THEN concat(chr(92), 'n')
    WHEN u = '000C' THEN concat(chr(92), 'f')
    WHEN u = '000D' THEN concat(chr(92), 'r')
    ELSE concat(chr(92), 'u', lower(u)) END"""


def held_id_of(source: Table, row: Mapping[str, Any]) -> str:
    """The held_id of a row of the source table."""
    return canonical_digest([source.name, *(_text(row[name]) for name in source.column_names)])


def held_id_column(source: Table) -> SparkColumn:
    """The held_id of each row of a frame with the source table's columns."""
    texts = [F.expr(_json_text(column)) for column in source.columns]
    json = F.concat(F.lit(f'["{source.name}",'), F.concat_ws(",", *texts), F.lit("]"))
    return F.substring(F.sha2(json, 256), 1, DIGITS)


def is_one_of(source: Table, id_column: str, rows: Collection[Mapping[str, Any]]) -> SparkColumn:
    """Whether a row of a frame equals one of these rows of the source table; never null.

    The digest is computed for rows with an id of theirs only.
    """
    if not rows:
        return F.lit(False)
    has_id = F.col(id_column).isin(*sorted({row[id_column] for row in rows}))
    is_same = held_id_column(source).isin(*sorted({held_id_of(source, row) for row in rows}))
    return F.coalesce(F.when(has_id, is_same), F.lit(False))


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value)


def _json_text(column: Column) -> str:
    """SQL text: the column's value as a JSON text, or null."""
    name = f"`{column.name}`"
    text = f"CAST({name} AS STRING)"
    if column.type == "DATE":
        text = f"CAST(CASE WHEN {name} BETWEEN {FIRST_DAY} AND {LAST_DAY} THEN {name} END AS STRING)"
    if column.type == "STRING":
        units = f"regexp_extract_all(hex(encode({name}, 'UTF-16BE')), '[0-9A-F]{{4}}', 0)"
        text = f"array_join(transform({units}, u -> {ESCAPED_UNIT}), '')"
    return f"coalesce(concat(chr(34), {text}, chr(34)), 'null')"
