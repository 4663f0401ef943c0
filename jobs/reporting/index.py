"""The index: all published periods, their shares over time, and links to the pages that have been made."""

from jobs.lake.small import SmallTables
from jobs.pipeline.request import Request
from jobs.reporting import dictionary_page, words
from jobs.reporting.annual_page import year_file
from jobs.reporting.notice_page import notice_file
from jobs.reporting.period_page import PLAN, period_file
from jobs.reporting.rows import published_few_rows
from jobs.reporting.shares import share_figure, share_table
from jobs.reporting.text import Links, Page, Section, Table, Text, money, number

T = Text


def index_of(small: SmallTables, request: Request) -> tuple[Page, dict]:
    """The index page, and the same as a document."""
    rates, pools = published_few_rows(small, "settled/rates"), published_few_rows(small, "settled/pools")
    periods = sorted({row["period"] for row in published_few_rows(small, "report/period_summary")})
    years = sorted({row["year"] for row in small.rows("report/annual", columns=["year"])})
    return _page(request, rates, pools, periods, years), {
        "periods": pools,
        "rates": rates,
        "reported": periods,
        "years": years,
    }


def _page(request: Request, rates: list[dict], pools: list[dict], periods: list[str], years: list[int]) -> Page:
    plan_name = lambda plan_id: words.plan(request.platform, plan_id)  # noqa: E731
    links = [(year_file(year), T("{y} 年度报告", "Annual report {y}").format(y=year)) for year in years]
    for period in reversed(periods):
        links.append((notice_file(period), T("{p} 公示", "{p} notice").format(p=period)))
        links.append((period_file(period), T("{p} 结算报告", "{p} report").format(p=period)))
    table = Table(
        T("各期各计划（元）", "Periods and plans (yuan)"),
        (
            T("期", "period"), PLAN, T("个案", "cases"), T("分摊成员", "covered"), T("互助金", "aid"),
            T("管理费", "fee"), T("成员应付", "due"),
        ),
        tuple(
            (p["period"], plan_name(p["plan_id"]), number(p["case_count"]), number(p["covered_count"]),
             money(p["benefit_fen"]), money(p["fee_fen"]), money(p["due_fen"]))
            for p in reversed(pools)
        ),
    )  # fmt: skip
    none = T("尚无报告。", "No report has been made yet.")
    sections = [
        Section(T("报告", "Reports"), (Links(tuple(links)),) if links else (Table(none, (), ()),)),
        Section(T("数据", "Data"), (Links(((dictionary_page.FILE, dictionary_page.LABEL),)),)),
    ]
    if rates:
        parts = (share_figure(rates, plan_name), share_table(rates, plan_name))
        sections += [
            Section(T("每人分摊", "Share per head"), parts),
            Section(T("已发布的各期", "Published periods"), (table,)),
        ]
    title = T("{name}：公示与报告", "{name}: notices and reports").format(name=T(**request.platform.names))
    lead = T("各期公示、结算报告与年度报告。", "Publicity notices, reports of periods, reports of years.")
    return Page("index.html", title, lead, tuple(sections), (("index.html", T("总览", "Overview")),))
