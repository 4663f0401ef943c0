"""`fentan report`: notice and report of a period, report of a year, and an index; as tables and as pages."""

import argparse

from jobs.base.errors import WrongUsage
from jobs.base.progress import announce
from jobs.commands.options import calendar_year
from jobs.lake.lake import Lake
from jobs.lake.lock import run_lock
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest, Request, period_request_of, request_of
from jobs.register.runs import end_killed_run, killed_runs, recorded
from jobs.reporting.ageing import ageing_of, write_ageing
from jobs.reporting.annual import requested_run, write_year, year_report
from jobs.reporting.annual_page import YearPage
from jobs.reporting.dictionary_page import dictionary_page
from jobs.reporting.index import INDEX_LINK, index_of, period_links
from jobs.reporting.masking import DEFAULT_FLOOR
from jobs.reporting.notice import notice_of, write_notice
from jobs.reporting.notice_page import notice_page
from jobs.reporting.pages import write_pages
from jobs.reporting.period import period_report, write_period
from jobs.reporting.period_page import PeriodPage
from jobs.reporting.quality_docs import LABEL, quality_file, quality_page
from jobs.reporting.text import Page

EXAMPLES = """  fentan report --lake ./lake --period 2020-12-P1
  fentan report --lake ./lake --year 2020
  fentan report --lake ./lake"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--period", metavar="P", help="notice and report of this settlement period, e.g. 2020-12-P1")
    scope.add_argument("--year", type=calendar_year, metavar="Y", help="report of this calendar year, e.g. 2020")
    parser.add_argument(
        "--floor",
        type=int,
        default=DEFAULT_FLOOR,
        metavar="N",
        help="how many people at least must share the shown traits of a case or be counted together "
        f"(default {DEFAULT_FLOOR}, at least 2)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Writes the report's tables and pages under report/, and the index; reads published rows only."""
    if args.floor < 2:
        raise WrongUsage(f"--floor {args.floor}: this would not mask anyone. Nothing was done. Choose 2 or more.")
    args.plan = None  # a report covers all plans
    request = period_request_of(args) if args.period else request_of(args)
    subject = str(args.period or args.year or "index")
    lake = open_lake(request.environment, request.lake_root, "report")
    with run_lock(lake.small, "report", subject, request.environment.lock_lease_seconds):
        if isinstance(request, PeriodRequest):
            pages, document = _period(lake, request, args.floor)
        elif args.year:
            pages, document = _year(lake, request, args.year, args.floor)
        else:
            pages, document = [], {}
        announce("index")
        index, published = index_of(lake.small, request)
        announce("pages")
        paths = write_pages(lake.small, [*pages, index, dictionary_page(request, (INDEX_LINK,))])
    return Outcome({**(document or published), "pages": paths}, "\n".join(["Pages", *paths]))


def _period(lake: Lake, request: PeriodRequest, floor: int) -> tuple[list[Page], dict]:
    """Notice and report of a period."""
    lake.start()
    announce("notice")
    notice = notice_of(lake, request, floor)
    announce("report of the period")
    calendar = request.platform.calendar
    ends_on = calendar.grace_ends_on(request.period)
    ageing = ageing_of(lake, notice.period, calendar.deduction_on(request.period), ends_on)
    report = period_report(lake, request, notice, ageing, floor)
    announce("writing report/publicity, report/period_summary, report/ageing")
    write_notice(lake, notice)
    write_period(lake, notice, report)
    write_ageing(lake.small, notice.period, ageing)
    links = (*period_links(notice.period), (quality_file(notice.period), LABEL))
    document = {
        "period": notice.period, "floor": floor, "pools": notice.pools, "rates": notice.rates,
        "publicity": notice.cases, "corrections": notice.corrections, "corrected": notice.corrected,
        "summary": report.rows, "ageing": ageing,
    }  # fmt: skip
    pages = [notice_page(notice, request, floor, links), PeriodPage(notice, report, request, floor).page(links)]
    announce("quality checks")
    return [*pages, quality_page(lake.small, request, links)], document


def _year(lake: Lake, request: Request, year: int, floor: int) -> tuple[list[Page], dict]:
    """Report of a year, recorded as a run."""
    requested, small = requested_run(request, year), lake.small
    with recorded(small, requested) as record:
        for killed in killed_runs(small, requested.job, requested.period):
            end_killed_run(small, killed)
        lake.start()
        announce("report of the year")
        report = year_report(lake, request, year, floor)
        record.begin(report.run)
        announce("writing report/annual")
        write_year(small, report)
        record.save("published")
    document = {"year": year, "floor": floor, "periods": report.periods, "annual": report.rows}
    return [YearPage(report, request).page((INDEX_LINK,))], document
