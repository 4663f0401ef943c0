"""What a year's report is made of, and what is missing: sections of its page."""

from jobs.reporting.text import Paragraph, Section, Table, Text, number

T = Text
SOURCES = {
    "source/operating_costs": T("运营支出", "operating costs"),
    "source/field_visits": T("实地走访", "field visits"),
    "source/claim_reviews": T("审核记录", "claim reviews"),
}
READ_AS = {
    "version_of_close": T("该月末期关账时所读", "as the close of the month's last period read it"),
    "version_of_today": T("当前版本（该月尚未关账）", "as it is today: the month is not closed"),
}
PERIODS_NAMED_MAX = 6


def missing_periods(rows: list[dict]) -> tuple[Paragraph, ...]:
    """A sentence that names the year's periods which are not in the report; nothing where it is whole."""
    missing = [row["item"] for row in rows if (row["topic"], row["measure"]) == ("periods", "missing")]
    if not missing:
        return ()
    more = len(missing) - PERIODS_NAMED_MAX
    some = ", ".join(missing[:PERIODS_NAMED_MAX])
    named = T(f"{some} 等", f"{some} and {more} more") if more > 0 else T(some, some)
    told = T(
        "该年有{n}期在本湖中未发布，不在本报告内：{named}。各项合计因此不是全年的。",
        "{n} periods of the year are not published in this lake and not in this report: {named}. So no sum is "
        "of the whole year.",
    )
    return (Paragraph(told.format(n=number(len(missing)), named=named)),)


def sources_section(rows: list[dict]) -> Section:
    """Which version of each source was read, for which months."""
    found: dict[tuple[str, str, int], list[str]] = {}
    for row in (r for r in rows if r["topic"] == "source"):
        name, month = row["item"].split(":")
        found.setdefault((name, row["measure"], row["quantity"]), []).append(month)
    told = Paragraph(
        T(
            "支出、走访和审核按月读取：已关账的月份读关账时的版本，与账目一致；其余读当前版本。案件和成员读各期结算时的版本。",
            "Costs, visits and reviews are read month by month: of a closed month as its close read them, so that "
            "report and books tell of the same rows; of the others as they are today. Claims and members as each "
            "settlement read them.",
        )
    )
    table = Table(
        T("所读的版本", "Versions read"),
        (T("来源", "source"), T("版本", "version"), T("月份", "months"), T("读法", "read")),
        tuple(
            (SOURCES.get(name, name), number(version), _span(months), READ_AS[measure])
            for (name, measure, version), months in sorted(found.items(), key=lambda e: (e[0][0], e[1][0]))
        ),
    )  # fmt: skip
    return Section(T("报告的依据", "What the report was made from"), (told, table))


def _span(months: list[str]) -> str:
    """The months, neighbours as from–to."""
    spans: list[list[str]] = []
    for month in sorted(months):
        if spans and int(month[5:]) == int(spans[-1][-1][5:]) + 1:
            spans[-1] = [spans[-1][0], month]
        else:
            spans.append([month])
    return ", ".join("–".join(span) for span in spans)
