"""Who joined, left and lapsed in a period: a section of its page."""

from collections import Counter
from collections.abc import Callable

from jobs.reporting import words
from jobs.reporting.plots import bars, figure
from jobs.reporting.text import Figure, Paragraph, Section, Table, Text, number
from schemas.report import HIDDEN

T = Text
PLAN = T("计划", "plan")
MOVES = {"joined": T("加入", "joined"), "ended": T("退出", "left")}
COUNTS = {
    "covered": T("分摊成员", "covered"), **MOVES, "lapsed": T("本期欠费失效", "lapsed for this period"),
}  # fmt: skip
TOLD = T(
    "自上期公示日以来；换档不算进出。欠费失效的成员，在收款结束后才知道。"
    "同一计划中，档次、年龄段、时长和原因都相同而不足{floor}人的，并入“不公开”，合计不变。",
    "Since the previous publicity day; a switch of tier is neither. Lapses are known once it is collected. Where fewer "
    "than {floor} members of a plan share tier, age band, length of membership and reason, they are counted under “not "
    "shown”; the sums stay exact.",
)


def members_section(rows: list[dict], plan_name: Callable[[str], Text], largest: str, floor: int) -> Section:
    """`rows`: the topic `members` of report/period_summary; `largest`: the plan that is drawn."""
    by_age = _table(rows, "age_band", plan_name, T("按年龄", "By age"), T("年龄段", "age band"))
    by_months = _table(
        rows, "member_months", plan_name, T("按入会时长", "By length of membership"), T("时长", "member for")
    )
    reasons = Counter()
    for row in (r for r in rows if r["measure"] == "ended"):
        reasons[(row["plan_id"], row["item"])] += row["quantity"]
    why = Table(
        T("退出原因", "Why memberships ended"), (PLAN, T("原因", "reason"), T("人数", "members")),
        tuple((plan_name(p), words.named(reason), number(n)) for (p, reason), n in sorted(reasons.items())),
    )  # fmt: skip
    told = Paragraph(TOLD.format(floor=number(floor)))
    of_largest = [row for row in rows if row["plan_id"] == largest]
    drawn = _figure(_sums(of_largest, "age_band"), largest, plan_name(largest))
    return Section(T("成员进出", "Members joining and leaving"), (told, *drawn, by_age, by_months, why))


def _sums(rows: list[dict], dimension: str) -> dict[tuple[str, str], Counter]:
    """Counts by measure, by (plan, band): the bands in order, what is not shown last."""
    sums: dict[tuple[str, str], Counter] = {}
    for row in sorted(rows, key=lambda r: (r["plan_id"], r[dimension] == HIDDEN, _lowest(r[dimension]))):
        sums.setdefault((row["plan_id"], row[dimension]), Counter())[row["measure"]] += row["quantity"]
    return sums


def _lowest(band: str) -> int:
    return 0 if band == HIDDEN else int(band.rstrip("+").split("-")[0])


def _table(rows: list[dict], dimension: str, plan_name: Callable[[str], Text], caption: Text, column: Text) -> Table:
    cells = tuple(
        (plan_name(p), _band(band), *(number(n[measure]) for measure in COUNTS))
        for (p, band), n in _sums(rows, dimension).items()
    )
    return Table(caption, (PLAN, column, *COUNTS.values()), cells)


def _band(band: str) -> Text | str:
    named = words.named(band)
    return named if isinstance(named, Text) else named.replace("-", "–")


def _figure(sums: dict[tuple[str, str], Counter], plan_id: str, name: Text) -> tuple[Figure, ...]:
    """Joined and left by age band; nothing where nobody did either."""
    bands = [band for p, band in sums if p == plan_id]
    if not any(n[kind] for n in sums.values() for kind in MOVES):
        return ()

    def draw(language: str):
        rows = [
            {"what": words.in_language(_band(band), language), "group": words.in_language(MOVES[kind], language),
             "value": sums[plan_id, band][kind], "label": f"{sums[plan_id, band][kind]:,}"}
            for band in bands for kind in MOVES
        ]  # fmt: skip
        return bars(rows, words.in_language(T("人数", "members"), language), colour=" ")

    def told(language: str) -> str:
        named = {measure: words.in_language(word, language) for measure, word in MOVES.items()}
        of_band = lambda n: ", ".join(f"{word} {n[measure]}" for measure, word in named.items())  # noqa: E731
        return "; ".join(f"{words.in_language(_band(b), language)}: {of_band(sums[plan_id, b])}" for b in bands)

    caption = T("{name}：按年龄段的加入和退出人数。", "{name}: joined and left, by age band.").format(name=name)
    said = T("条形图，{name}：{told}", "Bar chart, {name}: {told}").format(name=name, told=T(told("zh"), told("en")))
    return (figure(caption, said, draw),)
