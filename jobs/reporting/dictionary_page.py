"""The data dictionary as a page: every table and column, from the schemas. Their meaning is in English only."""

from jobs.base.catalogue import Text, catalogue
from jobs.pipeline.request import Request
from jobs.reporting.text import English, Links, Page, Paragraph, Section, Table
from schemas import TABLES
from schemas import Table as LakeTable
from schemas.table import Column

DICTIONARY = catalogue("jobs.reporting", "dictionary")
FILE = "dictionary.html"
LABEL = DICTIONARY["link"]
COLUMNS = (DICTIONARY["column"], DICTIONARY["type"], DICTIONARY["unit"], DICTIONARY["meaning"])


def dictionary_page(request: Request, links: tuple) -> Page:
    """One section per area, one table per table of the lake."""
    tables_by_area: dict[str, list[LakeTable]] = {}
    for name, table in TABLES.items():
        tables_by_area.setdefault(name.split("/")[0], []).append(table)
    area_names = DICTIONARY.group("area", tables_by_area)
    anchors = Links(tuple((f"#{area}", name) for area, name in area_names.items()))
    sections = [Section(DICTIONARY["contents"], (Paragraph(DICTIONARY["conventions"]), anchors))]
    for area, tables in tables_by_area.items():
        sections.append(Section(area_names[area], tuple(map(_table, tables)), anchor=area))
    title = DICTIONARY["title"].format(name=Text(**request.platform.names))
    return Page(FILE, title, DICTIONARY["lead"], tuple(sections), links)


def _table(table: LakeTable) -> Table:
    rows = tuple(
        (English(column.name), English(column.type), English(column.unit), English(_meaning(column)))
        for column in table.columns
    )
    partitions = ", ".join(table.partitioned_by) or DICTIONARY["no_partitions"]
    note = DICTIONARY["note"].format(grain=table.grain, key=", ".join(table.key), partitions=partitions)
    shown_note = DICTIONARY["planned"].format(note=note) if table.is_planned else note
    return Table(Text(table.name, table.name), COLUMNS, rows, shown_note)


def _meaning(column: Column) -> str:
    return f"{column.meaning} (may be null)" if column.nullable else column.meaning
