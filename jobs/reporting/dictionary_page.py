"""The data dictionary as a page: every table and column, from the schemas. What they mean is told in English."""

from jobs.pipeline.request import Request
from jobs.reporting.text import English, Links, Page, Paragraph, Section, Table, Text
from schemas import TABLES
from schemas import Table as LakeTable

T = Text
FILE = "dictionary.html"
LABEL = T("数据字典", "Data dictionary")
AREAS = {
    "source": T("来源：由他人维护，按固定版本读取", "Sources: owned by others, read at a pinned version"),
    "settled": T("结算", "Settled"),
    "ledger": T("账目", "Ledger"),
    "control": T("运行与发布", "Control"),
    "report": T("报告", "Reports"),
}
TOLD = T(
    "以 _fen 结尾的列是整数分，_ppm 是百万分之一，_on 是日期，_at 是 UTC 时刻，_count 是数量。"
    "带 run_id 的行只有在该次运行已发布时有效：按 period、plan_id、run_id 与 control/publications "
    "相连。说明文字为英文。",
    "Columns that end in _fen are whole fen, _ppm parts per million, _on dates, _at instants in UTC, _count how many. "
    "A row with a run_id is valid once that run is published: join it with control/publications on period, plan_id "
    "and run_id.",
)
COLUMNS = (T("列", "column"), T("类型", "type"), T("单位或取值", "unit or codes"), T("含义", "meaning"))


def dictionary_page(request: Request, links: tuple) -> Page:
    """One section per area, one table per table of the lake."""
    areas: dict[str, list[LakeTable]] = {}
    for name, table in TABLES.items():
        areas.setdefault(name.split("/")[0], []).append(table)
    anchors = Links(tuple((f"#{area}", AREAS[area]) for area in areas))
    sections = [Section(T("内容", "Contents"), (Paragraph(TOLD), anchors))]
    sections += [Section(AREAS[area], tuple(map(_table, tables)), anchor=area) for area, tables in areas.items()]
    title = T("{name}：数据字典", "{name}: data dictionary").format(name=T(**request.platform.names))
    lead = T(
        "每张表一行是什么、主键、分区，以及每一列的单位和含义。",
        "What a row of each table is, its key and partitions, and every column.",
    )
    return Page(FILE, title, lead, tuple(sections), links)


def _table(table: LakeTable) -> Table:
    rows = tuple(
        (English(column.name), English(column.type), English(column.unit), English(_meaning(column)))
        for column in table.columns
    )
    note = T(
        "每行：{grain}。主键：{key}。分区：{by}。", "One row per {grain}. Key: {key}. Partitioned by: {by}."
    ).format(
        grain=table.grain, key=", ".join(table.key), by=", ".join(table.partitioned_by) or T("无", "nothing")
    )  # fmt: skip
    return Table(T(table.name, table.name), COLUMNS, rows, note)


def _meaning(column) -> str:
    return f"{column.meaning} (may be null)" if column.nullable else column.meaning
