"""The report of a period as a page."""

from jobs.base.catalogue import Text, catalogue
from jobs.pipeline.request import PeriodRequest
from jobs.reporting import words
from jobs.reporting.corrections_section import corrections_section
from jobs.reporting.measures import PERIOD as MEASURES
from jobs.reporting.members_section import members_section
from jobs.reporting.notice import Notice
from jobs.reporting.period import PeriodReport
from jobs.reporting.plots import changes, figure
from jobs.reporting.shares import share_section
from jobs.reporting.text import Figure, Page, Paragraph, Section, Table, money, number, signed
from jobs.rulebook.documents import ACCOUNTS
from jobs.settlement.causes import CAUSES

COMMON = catalogue("jobs.reporting", "common")
PERIOD = catalogue("jobs.reporting", "period")
AMOUNTS = catalogue("jobs.reporting", "amounts")
FEE_NAMES = AMOUNTS.group("fee", MEASURES.by_topic["fee"])
RESIDUAL_NAMES = AMOUNTS.group("residual_and_sponsor")
CAUSE_NAMES = PERIOD.group("cause", CAUSES)
ACCOUNT_NAMES = AMOUNTS.group("account", ACCOUNTS)
BALANCE_NAMES = AMOUNTS.group("balance", MEASURES.by_topic["balances"])


class PeriodPage:
    """The page of one report; each method is one section."""

    def __init__(self, notice: Notice, report: PeriodReport, request: PeriodRequest, floor: int):
        self.notice, self.report, self.request, self.floor = notice, report, request, floor
        self.plan_ids = sorted(notice.pools)

    def page(self, links: tuple) -> Page:
        platform_name = Text(**self.request.platform.names)
        title = PERIOD["title"].format(name=platform_name, period=self.notice.period)
        sections = (
            share_section(self.report.history, self._plan), self._causes(), self._members(), self._collection(),
            self._fee(), self._residual(), *self._corrections(), self._books(), self._quality(),
        )  # fmt: skip
        return Page(period_file(self.notice.period), title, PERIOD["lead"], sections, links)

    def _plan(self, plan_id: str) -> Text:
        return words.plan(self.request.platform, plan_id)

    def _select(self, topic: str, measure: str | None = None) -> list[dict]:
        return MEASURES.select(self.report.rows, topic, measure)

    def _causes(self) -> Section:
        causes_fen: dict[tuple[str, str], dict[str, int]] = {}
        for row in self._select("causes", "share_change_fen"):
            causes_fen.setdefault((row["plan_id"], row["tier"]), {})[row["item"]] = row["amount_fen"]
        if not causes_fen:
            return Section(PERIOD["causes_section"], (Paragraph(PERIOD["nothing_to_compare"]),))
        tiers = sorted(causes_fen.items())
        table = Table(
            PERIOD["causes_table"],
            (COMMON["plan"], COMMON["tier"], *CAUSE_NAMES.values(), PERIOD["total_change"]),
            tuple(
                (self._plan(plan_id), words.named(tier), *(signed(fen[c]) for c in CAUSES), signed(sum(fen.values())))
                for (plan_id, tier), fen in tiers
            ),
        )
        (plan_id, tier), largest = max(tiers, key=lambda entry: sum(map(abs, entry[1].values())))
        name = words.plan_and_tier(self._plan(plan_id), tier)
        figures = (_causes_figure(name, largest),) if any(largest.values()) else ()
        return Section(PERIOD["causes_section"], (Paragraph(PERIOD["causes_text"]), *figures, table))

    def _members(self) -> Section:
        largest = max(self.plan_ids, key=lambda plan_id: self.notice.pools[plan_id]["covered_count"])
        return members_section(self._select("members"), self._plan, largest, self.floor)

    def _collection(self) -> Section:
        if not self.report.collected_plans:
            return Section(PERIOD["collection_section"], (Paragraph(PERIOD["not_collected_yet"]),))
        by_status: dict[tuple[str, str], dict[str, int]] = {}
        for measure, column in (("members", "quantity"), ("due_fen", "amount_fen"), ("collected_fen", "amount_fen")):
            for row in self._select("collection", measure):
                by_status.setdefault((row["plan_id"], row["item"]), {})[measure] = row[column]
        table = Table(
            PERIOD["collection_table"],
            (
                COMMON["plan"], PERIOD["status"], PERIOD["members"], PERIOD["due"], PERIOD["collected"],
                PERIOD["not_collected"],
            ),
            tuple(
                (self._plan(plan_id), words.named(status), number(sums["members"]), money(sums["due_fen"]),
                 money(sums["collected_fen"]), money(sums["due_fen"] - sums["collected_fen"]))
                for (plan_id, status), sums in sorted(by_status.items())
            ),
        )  # fmt: skip
        ageing = Table(
            PERIOD["ageing_table"],
            (COMMON["plan"], PERIOD["days"], PERIOD["arrears"]),
            tuple(
                (self._plan(row["plan_id"]), row["item"], money(row["amount_fen"]))
                for row in self._select("collection", "owed_fen")
            ),
        )
        return Section(PERIOD["collection_section"], (table, ageing))

    def _fee(self) -> Section:
        return Section(PERIOD["fee_section"], (self._amounts("fee", FEE_NAMES, PERIOD["fee_table"]),))

    def _residual(self) -> Section:
        table = self._amounts("money", RESIDUAL_NAMES, PERIOD["residual_table"])
        return Section(PERIOD["residual_section"], (table,))

    def _corrections(self) -> tuple[Section, ...]:
        section = corrections_section(self.notice.corrections, self.notice.corrected, self._plan)
        return () if section is None else (section,)

    def _books(self) -> Section:
        """Accounts without any movement or balance are left out."""
        by_account: dict[tuple[str, str], dict[str, int]] = {}
        for row in self._select("balances"):
            by_account.setdefault((row["plan_id"], row["item"]), {})[row["measure"]] = row["amount_fen"]
        if not by_account:
            return Section(PERIOD["books_section"], (Paragraph(PERIOD["not_closed_yet"]),))
        table = Table(
            PERIOD["books_table"],
            (COMMON["plan"], PERIOD["account"], *BALANCE_NAMES.values()),
            tuple(
                (self._plan(plan_id), ACCOUNT_NAMES[account], *(money(fen[measure]) for measure in BALANCE_NAMES))
                for (plan_id, account), fen in by_account.items()
                if any(fen.values())
            ),
            PERIOD["books_note"],
        )
        return Section(PERIOD["books_section"], (table,))

    def _amounts(self, topic: str, names: dict[str, Text], caption: Text) -> Table:
        """One row per measure, one column per plan."""
        rows = tuple(
            (name, *(money(MEASURES.value(self.report.rows, topic, measure, plan_id=p)) for p in self.plan_ids))
            for measure, name in names.items()
        )
        return Table(caption, (COMMON["item"], *(self._plan(p) for p in self.plan_ids)), rows)

    def _quality(self) -> Section:
        rules = self.report.rules.values()
        broken = [rule for rule in rules if not rule["success"]]
        counts = PERIOD["rules_checked"].format(checked=number(len(rules)), broken=number(len(broken)))
        table = Table(
            PERIOD["broken_rules"],
            (PERIOD["rule"], PERIOD["severity"], PERIOD["table"], PERIOD["rows"], PERIOD["at_stake"]),
            tuple(
                (rule["sentence"], words.named(rule["severity"]), rule["table_name"], number(rule["unexpected_count"]),
                 money(rule["amount_at_stake_fen"]))
                for rule in broken
            ),
        )  # fmt: skip
        return Section(PERIOD["quality_section"], (Paragraph(counts), table, self._quarantine()))

    def _quarantine(self) -> Table:
        held, at_stake_fen = (
            {(row["plan_id"], row["item"]): row[column] for row in self._select("quarantine", measure)}
            for measure, column in (("held", "quantity"), ("at_stake_fen", "amount_fen"))
        )
        return Table(
            PERIOD["quarantine_table"],
            (COMMON["plan"], PERIOD["reason"], PERIOD["rows"], PERIOD["at_stake"]),
            tuple(
                (self._plan(plan_id), reason, number(held[plan_id, reason]), money(at_stake_fen[plan_id, reason]))
                for plan_id, reason in sorted(held)
            ),
            PERIOD["quarantine_note"],
        )


def _causes_figure(name: Text, causes_fen: dict[str, int]) -> Figure:
    bars = [(CAUSE_NAMES[cause], causes_fen[cause]) for cause in CAUSES]
    total = (PERIOD["total"], sum(causes_fen.values()))

    def draw(language: str):
        rows = [
            {"what": words.in_language(cause, language), "value": fen, "label": signed(fen)}
            for cause, fen in (*bars, total)
        ]
        return changes(rows, words.in_language(COMMON["yuan"], language))

    causes = words.in_both_languages(
        lambda language: "; ".join(f"{words.in_language(cause, language)} {signed(fen)}" for cause, fen in bars)
    )
    caption = PERIOD["causes_figure"].format(name=name)
    return figure(caption, PERIOD["causes_figure_description"].format(name=name, causes=causes), draw)


def period_file(period: str) -> str:
    """The file of the page."""
    return f"period-{period}.html"
