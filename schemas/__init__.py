"""The data dictionary: every table Fentan reads or writes, one entry per table.

`TABLES["settled/pools"]` gives its key, its partition columns and the unit and meaning of each column.
`DICTIONARY.md` beside this file is generated from it (`python -m schemas.dictionary`).
"""

from schemas.control import CONTROL_TABLES
from schemas.ledger import LEDGER_TABLES
from schemas.report import REPORT_TABLES
from schemas.settled import SETTLED_TABLES
from schemas.sources import SOURCE_TABLES
from schemas.table import PUBLISHED_KEY, Column, Table

TABLES: dict[str, Table] = {
    table.name: table for table in (*SOURCE_TABLES, *SETTLED_TABLES, *LEDGER_TABLES, *CONTROL_TABLES, *REPORT_TABLES)
}

OUTPUT_TABLES = tuple(table for table in TABLES.values() if table not in SOURCE_TABLES)

__all__ = ["OUTPUT_TABLES", "PUBLISHED_KEY", "TABLES", "Column", "Table"]
