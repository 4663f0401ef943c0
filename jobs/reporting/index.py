"""The index: all published periods, their shares over time, and links to the existing pages."""

from jobs.base.catalogue import Text, catalogue
from jobs.lake.small import SmallTables
from jobs.pipeline.request import Request
from jobs.reporting import dictionary_page, words
from jobs.reporting.annual_page import year_file
from jobs.reporting.notice_page import notice_file
from jobs.reporting.period_page import period_file
from jobs.reporting.rows import published_few_rows
from jobs.reporting.shares import share_section
from jobs.reporting.text import Links, Page, Section, Table, money, number

COMMON = catalogue("jobs.reporting", "common")
INDEX = catalogue("jobs.reporting", "index")
ANNUAL = catalogue("jobs.reporting", "annual")
NOTICE = catalogue("jobs.reporting", "notice")
PERIOD = catalogue("jobs.reporting", "period")
INDEX_LINK = ("index.html", INDEX["link"])


def period_links(period: str) -> tuple[tuple[str, Text], ...]:
    """The links in the header of a period's pages."""
    return INDEX_LINK, (notice_file(period), NOTICE["link_here"]), (period_file(period), PERIOD["link_here"])


def index_of(small: SmallTables, request: Request) -> tuple[Page, dict]:
    """The index page, and the same as a document: `periods`, `rates`, `reported` periods, `years`."""
    rates, pools = published_few_rows(small, "settled/rates"), published_few_rows(small, "settled/pools")
    periods = sorted({row["period"] for row in published_few_rows(small, "report/period_summary")})
    years = sorted({row["year"] for row in small.rows("report/annual", columns=["year"])})
    document = {"periods": pools, "rates": rates, "reported": periods, "years": years}
    return _page(request, rates, pools, periods, years), document


def _page(request: Request, rates: list[dict], pools: list[dict], periods: list[str], years: list[int]) -> Page:
    def plan_name(plan_id: str) -> Text:
        return words.plan(request.platform, plan_id)

    links = [(year_file(year), ANNUAL["link"].format(year=year)) for year in years]
    for period in reversed(periods):
        links.append((notice_file(period), NOTICE["link"].format(period=period)))
        links.append((period_file(period), PERIOD["link"].format(period=period)))
    reports = Links(tuple(links)) if links else Table(INDEX["no_reports"], (), ())
    sections = [
        Section(INDEX["reports_section"], (reports,)),
        Section(INDEX["data_section"], (Links(((dictionary_page.FILE, dictionary_page.LABEL),)),)),
    ]
    if rates:
        table = _periods_table(pools, plan_name)
        sections += [share_section(rates, plan_name), Section(INDEX["periods_section"], (table,))]
    title = INDEX["title"].format(name=Text(**request.platform.names))
    return Page(INDEX_LINK[0], title, INDEX["lead"], tuple(sections), (INDEX_LINK,))


def _periods_table(pools: list[dict], plan_name) -> Table:
    """One row per period and plan, the newest period first."""
    columns = (
        COMMON["period"], COMMON["plan"], INDEX["cases"], COMMON["covered"], COMMON["aid"], COMMON["fee"],
        COMMON["members_owe"],
    )  # fmt: skip
    rows = tuple(
        (pool["period"], plan_name(pool["plan_id"]), number(pool["case_count"]), number(pool["covered_count"]),
         money(pool["benefit_fen"]), money(pool["fee_fen"]), money(pool["due_fen"]))
        for pool in reversed(pools)
    )  # fmt: skip
    return Table(INDEX["periods_table"], columns, rows)
