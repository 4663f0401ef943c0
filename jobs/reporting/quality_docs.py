"""Great Expectations' Data Docs of a period: a page for each table that a published run judged, and a page of links.

Great Expectations renders the results; the frame of the page is ours, since its own loads styles and scripts from other
servers. Nothing here reads source rows: the counts are those of control/quality.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from expectations.rule import Terms
from expectations.suites import RuleResult
from jobs.base.catalogue import Text, catalogue
from jobs.gate.terms import terms_of
from jobs.lake.small import SmallTables
from jobs.lake.storage import write_text
from jobs.pipeline.request import PeriodRequest, exists_in
from jobs.register.publications import CORRECT, corrections_into, published_in
from jobs.register.quality import recorded_quality
from jobs.register.runs import row_of
from jobs.reporting.text import Links, Page, Section, Table, number

FOLDER = "report/quality"
QUALITY = catalogue("jobs.reporting", "quality")
LABEL = QUALITY["link"]
JUDGING_JOBS = (CORRECT, "settle", "collect", "close")


@dataclass(frozen=True)
class JudgedTable:
    """The results of one table in one published run. `file`: its page, relative to FOLDER."""

    job: str
    run_id: str
    run_time: str
    table_name: str
    results: list[RuleResult]
    file: str


def quality_file(period: str) -> str:
    """The name of the page of links, next to the period's other pages."""
    return f"quality-{period}.html"


def quality_page(small: SmallTables, request: PeriodRequest, links: tuple) -> Page:
    """Writes a page for each judged table of the period's published runs; gives the page that links to them."""
    judged, terms = _judged_tables(small, str(request.period)), _terms(request)
    for table in judged:
        write_text(small, f"{FOLDER}/{table.file}", rendered(table, terms, str(request.period)))
    return _page_of_links(judged, request, links)


def rendered(table: JudgedTable, terms: Terms, period: str) -> str:
    """The results of a table as one HTML file that needs no other file and no network."""
    from jobs.reporting.quality_rendering import html_of  # imports Great Expectations, which takes seconds

    meta = {"run_id": {"run_name": table.run_id, "run_time": table.run_time}}
    title = f"{period}, {table.job}: {table.table_name}"
    folders_below_report = f"{FOLDER}/{table.file}".count("/") - 1
    back_file = f"{'../' * folders_below_report}html/{quality_file(period)}"
    return html_of(table.table_name, table.results, terms, meta, title, (back_file, LABEL.en))


def _judged_tables(small: SmallTables, period: str) -> list[JudgedTable]:
    judged = []
    for job in JUDGING_JOBS:
        acts = corrections_into(small, period) if job == CORRECT else published_in(small, job, period).values()
        run_ids = sorted({act.run_id for act in acts})
        for position, run_id in enumerate(run_ids, 1):
            run = row_of(small, run_id)
            row_counts = _row_counts(run)
            for name, results in recorded_quality(small, run_id).items():
                counted = [replace(result, element_count=row_counts.get(name)) for result in results]
                folder = f"{period}/{job}" if position == 1 else f"{period}/{job}-{position}"
                file = f"{folder}/{name.replace('/', '.')}.html"
                judged.append(JudgedTable(job, run_id, str(run["finished_at"]), name, counted, file))
    return judged


def _terms(request: PeriodRequest) -> Terms:
    platform, period = request.platform, request.period
    return terms_of(platform, period, [p for p in platform.plans if exists_in(platform, p, period)])


def _row_counts(run: dict) -> dict[str, int]:
    """The rows of each table the run wrote; how many rows of a source it read is not recorded."""
    counts: dict[str, int] = {}
    for tables in json.loads(run["digests"] or "{}").values():
        for name, digest in tables.items():
            counts[name] = counts.get(name, 0) + digest["rows"]
    return counts


def _page_of_links(judged: Iterable[JudgedTable], request: PeriodRequest, links: tuple) -> Page:
    period, judged = str(request.period), list(judged)
    table = Table(
        QUALITY["results_table"],
        (QUALITY["run"], QUALITY["table"], QUALITY["rules"], QUALITY["broken"]),
        tuple(
            (each.job, each.table_name, number(len(each.results)), number(sum(not r.success for r in each.results)))
            for each in judged
        ),
    )
    pages = [
        (f"../quality/{each.file}", QUALITY["page"].format(job=each.job, table=each.table_name)) for each in judged
    ]
    sections = (
        Section(QUALITY["results_section"], (table,)),
        Section(QUALITY["pages_section"], (Links(tuple(pages)),)),
    )
    title = QUALITY["title"].format(name=Text(**request.platform.names), period=period)
    return Page(quality_file(period), title, QUALITY["lead"], sections, links)
