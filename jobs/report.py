"""`fentan report`: publicity notice and report of a period, report of a year, index; as tables and as pages."""

import argparse

from jobs.cli import run_as_script
from jobs.errors import WrongUsage
from jobs.lake.lake import Lake
from jobs.lake.lock import run_lock
from jobs.lake.session import open_session
from jobs.outcome import Outcome, announce
from jobs.reporting.masking import DEFAULT_FLOOR
from jobs.reporting.notice import notice_of, write_notice
from jobs.reporting.notice_page import notice_file, notice_page
from jobs.reporting.pages import write_pages
from jobs.reporting.period import period_report, write_period
from jobs.reporting.period_page import PeriodPage, period_file
from jobs.reporting.text import Text
from jobs.request import PeriodRequest, period_request_of

SUMMARY = "make the publicity notice and the report of a period, the report of a year, or the index of all"
EXAMPLES = """  fentan report --lake ./lake --period 2020-12-P1
  fentan report --lake ./lake --year 2020
  fentan report --lake ./lake"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--period", metavar="P", help="notice and report of this settlement period, e.g. 2020-12-P1")
    what.add_argument("--year", type=int, metavar="Y", help="report of this calendar year, e.g. 2020")
    parser.add_argument(
        "--floor",
        type=int,
        default=DEFAULT_FLOOR,
        metavar="N",
        help=f"how many people have to share what is shown of a case (default {DEFAULT_FLOOR}, at least 2)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Writes the report's tables and pages under report/; reads published rows only."""
    if args.floor < 2:
        raise WrongUsage(f"--floor {args.floor}: that would mask nobody. Nothing was done. Choose 2 or more.")
    args.plan = None
    return _report_period(period_request_of(args), args.floor)


def _report_period(request: PeriodRequest, floor: int) -> Outcome:
    period = str(request.period)
    with run_lock(request.lake_root, "report", period, request.environment.lock_lease_seconds):
        lake = Lake(open_session(request.environment, "fentan report"), request.lake_root)
        announce("notice")
        notice = notice_of(lake, request, floor)
        write_notice(lake, notice)
        announce("period")
        report = period_report(lake, request, notice)
        write_period(lake, notice, report)
        announce("pages")
        links = links_of_period(period)
        pages = [notice_page(notice, request, floor, links), PeriodPage(notice, report, request).page(links)]
        paths = write_pages(request.lake_root, pages)
    document = {"period": period, "floor": floor, "publicity": notice.cases, "pools": notice.pools, "rates": notice.rates, "pages": paths}  # fmt: skip
    return Outcome(document, "\n".join(paths))


def links_of_period(period: str) -> tuple:
    return (
        ("index.html", Text("总览", "Overview")),
        (notice_file(period), Text("公示", "Notice")),
        (period_file(period), Text("结算报告", "Report")),
    )


if __name__ == "__main__":
    run_as_script("report")
