"""The quality results of a published period as pages of Great Expectations, linked from the period's report."""

import re

from tests.shown import SECOND

CELL = re.compile(r"<div class=\"show-scrollbars\">([^<]*)</div>")


def test_each_checked_table_has_a_page_with_the_recorded_counts(shown):
    html = shown.folder / "report/html"
    assert f'href="quality-{SECOND}.html"' in (html / f"period-{SECOND}.html").read_text(encoding="utf-8")
    overview = (html / f"quality-{SECOND}.html").read_text(encoding="utf-8")
    linked = {html / file for file in re.findall(r'href="(\.\./quality/[^"]+)"', overview)}
    written = set((shown.folder / "report/quality" / SECOND).rglob("*.html"))
    assert {path.resolve() for path in linked} == {path.resolve() for path in written} and written

    published = {row["run_id"] for row in shown.rows("control/publications", SECOND) if row["action"] != "withdrawn"}
    judged = {}
    for row in shown.rows("control/quality", SECOND):
        if row["run_id"] in published:
            judged.setdefault((row["run_id"].split("-")[0], row["table_name"]), []).append(row)
    pages = {f"{job}/{table.replace('/', '.')}.html": rows for (job, table), rows in judged.items()}
    assert {str(path.relative_to(shown.folder / "report/quality" / SECOND)) for path in written} == set(pages)
    for file, rows in pages.items():
        page = (shown.folder / "report/quality" / SECOND / file).read_text(encoding="utf-8")
        assert not re.search(r"https?://|<script|<iframe", page) and 'href="../../../html/quality-' in page
        cells = CELL.findall(page)
        for row in rows:
            at = cells.index(row["id"])
            assert cells[at + 2 : at + 4] == [row["severity"], f"{row['unexpected_count']:,}"], (file, row["id"])
    assert any(row["unexpected_count"] for rows in pages.values() for row in rows)
