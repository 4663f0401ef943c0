"""The report of a year as a page."""

from jobs.base.catalogue import Text, catalogue
from jobs.money import PPM
from jobs.pipeline.request import Request
from jobs.reporting import words
from jobs.reporting.annual import YearReport
from jobs.reporting.annual_published import OWN_MEASURES
from jobs.reporting.annual_sections import missing_periods, sources_section
from jobs.reporting.masking import OTHER
from jobs.reporting.measures import ANNUAL as MEASURES
from jobs.reporting.measures import PUBLISHED, VISIT_COUNTS, YEAR_FEES
from jobs.reporting.plots import bars, figure
from jobs.reporting.shares import share_parts
from jobs.reporting.text import (
    DASH,
    Facts,
    Figure,
    Number,
    Page,
    Paragraph,
    Section,
    Table,
    masked_number,
    money,
    number,
    percent,
)
from schemas.codes import CITY_TIERS

COMMON = catalogue("jobs.reporting", "common")
ANNUAL = catalogue("jobs.reporting", "annual")
AMOUNTS = catalogue("jobs.reporting", "amounts")
FEE_NAMES = AMOUNTS.group("fee")
AMOUNT_NAMES = AMOUNTS.group("year")
VISIT_NAMES = ANNUAL.group("visits", VISIT_COUNTS)
CITY_TIER_NAMES = ANNUAL.group("city_tier", map(str, CITY_TIERS))
SEXES = ("F", "M")
FIGURE_NAMES = ANNUAL.group("published_figure", (*OWN_MEASURES, "share"))


class YearPage:
    """The page of one year; each method is one section or a part of it."""

    def __init__(self, report: YearReport, request: Request):
        self.report, self.request = report, request
        self.plan_ids = sorted({row["plan_id"] for row in report.rows} - {"all"})

    def page(self, links: tuple) -> Page:
        periods = self.report.periods
        title = ANNUAL["title"].format(name=Text(**self.request.platform.names), year=self.report.year)
        lead = ANNUAL["lead"].format(count=len(periods), first=periods[0], last=periods[-1])
        sections = (
            self._overview(), self._helped(), self._shares(), self._members(), self._fee(), self._reviews(),
            self._published(), sources_section(self.report.rows),
        )  # fmt: skip
        return Page(year_file(self.report.year), title, lead, sections, links)

    def _value(self, topic: str, measure: str, plan_id: str = "all") -> int | None:
        return MEASURES.value(self.report.rows, topic, measure, plan_id=plan_id)

    def _by_item(self, topic: str, measure: str) -> list[tuple[str, int]]:
        """The values of a measure for all plans and sexes: (item, value)."""
        column = "amount_fen" if measure.endswith("_fen") else "quantity"
        return [(row["item"], row[column]) for row in MEASURES.select(self.report.rows, topic, measure)]

    def _plan(self, plan_id: str) -> Text:
        return ANNUAL["all_plans"] if plan_id == "all" else words.plan(self.request.platform, plan_id)

    def _overview(self) -> Section:
        result_fen = self._value("fee", "result_fen")
        breaks_even = "not_known" if result_fen is None else "breaks_even" if result_fen >= 0 else "does_not_break_even"
        facts = Facts(
            (
                (COMMON["cases_helped"], number(self._value("helped", "helped"))),
                (ANNUAL["due_yuan"], money(self._value("shared_out", "due_fen"))),
                (ANNUAL["fee_received_yuan"], money(self._value("fee", "received_fen"))),
                (ANNUAL["fee_less_costs"], ANNUAL[breaks_even]),
            )
        )
        parts = (*missing_periods(self.report.rows), facts, *share_parts(self.report.history, self._plan))
        return Section(ANNUAL["overview_section"], parts)

    def _helped(self) -> Section:
        by_plan = Table(
            COMMON["cases_helped_table"],
            (COMMON["plan"], ANNUAL["this_year"], ANNUAL["year_before"]),
            tuple(
                (
                    self._plan(plan_id),
                    number(self._value("helped", "helped", plan_id) or 0),
                    number(self._value("helped", "helped_year_before", plan_id)),
                )
                for plan_id in self.plan_ids
            ),
        )
        provinces = [(words.place(code), count) for code, count in self._by_item("helped", "helped_by_province")]
        by_province = _bar_chart(ANNUAL["by_province"], provinces)
        return Section(ANNUAL["helped_section"], (by_plan, *self._by_illness(), *by_province))

    def _by_illness(self) -> tuple[Figure, Table] | tuple[()]:
        counts: dict[Text | str, dict[str, int]] = {}
        rows = MEASURES.select(self.report.rows, "helped", "helped_by_illness")
        for row in sorted(rows, key=lambda row: -row["quantity"]):
            name = words.illness(self.request.platform, row["item"])
            counts.setdefault(name, {})[row["sex"]] = row["quantity"]
        if not counts:
            return ()
        # Cases below the floor are counted under this illness: where a sex has it, no other zero is certain.
        may_be_hidden = {row["sex"]: True for row in rows if row["item"] == OTHER}

        def shown(by_sex: dict[str, int], sex: str) -> Number:
            return masked_number(by_sex.get(sex), may_be_hidden.get(sex, False))

        def draw(language: str):
            drawn = [
                {"what": words.in_language(name, language), "group": words.in_language(words.named(sex), language),
                 "value": by_sex.get(sex, 0), "label": shown(by_sex, sex)}
                for name, by_sex in counts.items() for sex in SEXES
            ]  # fmt: skip
            return bars(drawn, words.in_language(COMMON["cases"], language), colour=" ")

        table = Table(
            ANNUAL["by_illness_table"],
            (ANNUAL["illness"], *map(words.named, SEXES)),
            tuple((name, *(shown(by_sex, sex) for sex in SEXES)) for name, by_sex in counts.items()),
            ANNUAL["by_illness_note"],
        )
        return figure(ANNUAL["by_illness"], ANNUAL["by_illness_description"], draw), table

    def _shares(self) -> Section:
        rows = tuple(
            (name, *(money(self._value("shared_out", measure, plan_id)) for plan_id in self.plan_ids))
            for measure, name in AMOUNT_NAMES.items()
        )
        columns = (COMMON["item"], *(self._plan(plan_id) for plan_id in self.plan_ids))
        return Section(ANNUAL["shares_section"], (Table(ANNUAL["shares_table"], columns, rows),))

    def _members(self) -> Section:
        table = Table(
            ANNUAL["members_table"],
            (COMMON["plan"], COMMON["covered"], ANNUAL["mean_age"]),
            tuple(
                (
                    self._plan(plan_id),
                    number(self._value("members", "covered", plan_id)),
                    _tenths(self._value("members", "mean_age_tenths", plan_id)),
                )
                for plan_id in self.plan_ids
            ),
            ANNUAL["members_note"],
        )
        city_tiers = self._by_item("members", "covered_by_city_tier")
        total = sum(count for _, count in city_tiers)
        cities = Table(
            ANNUAL["cities_table"],
            (ANNUAL["city"], COMMON["how_many"], COMMON["part"]),
            tuple(
                (CITY_TIER_NAMES.get(tier, words.named(tier)), number(count), percent(count, total))
                for tier, count in city_tiers
            ),
        )
        return Section(ANNUAL["members_section"], (table, cities))

    def _fee(self) -> Section:
        ledger = Table(
            ANNUAL["fee_table"],
            (COMMON["item"], ANNUAL["amount"]),
            tuple((FEE_NAMES[measure], money(self._value("fee", measure))) for measure in YEAR_FEES),
        )
        spent = [(words.named(item), fen) for item, fen in self._by_item("fee", "used_fen") if item != "all"]
        total_fen = self._value("fee", "used_fen") or 0
        expenditure = Table(
            ANNUAL["expenditure_table"],
            (COMMON["item"], ANNUAL["amount"], COMMON["part"]),
            tuple((category, money(fen), percent(fen, total_fen)) for category, fen in spent),
            ANNUAL["expenditure_note"].format(
                closed=number(self._value("periods", "closed")),
                count=number(self._value("periods", "published")),
                result=money(self._value("fee", "result_fen")),
            ),
        )
        visits = Table(
            ANNUAL["visits_table"],
            (COMMON["item"], COMMON["how_many"]),
            tuple((name, number(self._value("fee", measure))) for measure, name in VISIT_NAMES.items()),
        )
        drawn = _bar_chart(ANNUAL["expenditure_figure"], spent, is_money=True)
        return Section(ANNUAL["fee_section"], (ledger, *drawn, expenditure, visits))

    def _reviews(self) -> Section:
        decisions = Table(
            ANNUAL["decisions_table"],
            (COMMON["item"], COMMON["how_many"]),
            tuple((words.named(decision), number(count)) for decision, count in self._by_item("review", "reviews")),
            ANNUAL["fraud_note"].format(saved=money(self._value("review", "fraud_saved_fen"))),
        )
        days = Table(
            ANNUAL["days_table"],
            (ANNUAL["technique"], ANNUAL["days"]),
            tuple(
                (words.named(technique), _tenths(tenths))
                for technique, tenths in self._by_item("review", "mean_days_tenths")
            ),
        )
        return Section(ANNUAL["reviews_section"], (decisions, days))

    def _published(self) -> Section:
        columns = (COMMON["item"], ANNUAL["published"], ANNUAL["at_scale"], ANNUAL["this_lake"])
        rows = tuple(self._published_cells(row) for row in self.report.rows if row["topic"] == PUBLISHED)
        table = Table(ANNUAL["published_table"], columns, rows)
        return Section(ANNUAL["published_section"], (Paragraph(ANNUAL["published_text"]), table))

    def _published_cells(self, row: dict) -> tuple:
        name = ANNUAL["published_item"].format(
            plan=self._plan(row["plan_id"]), figure=FIGURE_NAMES[row["measure"]], of=row["item"]
        )
        if row["published_fen"] is not None:
            return name, money(row["published_fen"]), money(row["scaled_fen"]), money(row["amount_fen"])
        show = _ppm if row["measure"].startswith("used_") else number
        return name, show(row["published_quantity"]), show(row["scaled_quantity"]), show(row["quantity"])


def _bar_chart(caption: Text, values: list[tuple[Text | str, int]], is_money: bool = False) -> tuple[Figure, ...]:
    """A bar chart of (name, value); nothing if there are no values."""
    if not values:
        return ()
    show = money if is_money else number

    def draw(language: str):
        drawn = [{"what": words.in_language(name, language), "value": n, "label": show(n)} for name, n in values]
        axis = COMMON["yuan"] if is_money else COMMON["how_many"]
        return bars(drawn, words.in_language(axis, language), is_money=is_money)

    listed = words.in_both_languages(
        lambda language: "; ".join(f"{words.in_language(name, language)} {show(n)}" for name, n in values)
    )
    return (figure(caption, ANNUAL["bar_chart"].format(values=listed), draw),)


def _ppm(ppm: int | None) -> Number:
    return percent(ppm or 0, 0 if ppm is None else PPM)


def _tenths(tenths: int | None) -> Number:
    return Number(DASH if tenths is None else f"{tenths // 10}.{tenths % 10}")


def year_file(year: int) -> str:
    """The file of the page."""
    return f"year-{year}.html"
