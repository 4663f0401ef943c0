"""The rules of a platform as frozen values: the value in force on a day, and its source.

A rule without a value in force on a day is an error, never a zero. The value None means that the rule is abolished, or
never applied, from its date on; its reference says which.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.base.canonical import canonical_digest
from jobs.rulebook.calendar import Calendar, Period


class RuleNotInForce(Exception):
    """No value of a rule is in force on a day."""


@dataclass(frozen=True)
class RuleValue:
    """One value of a rule from a day on, with the source it was taken from."""

    from_on: date
    value: Any
    reference: str
    published_on: date


@dataclass(frozen=True)
class Rule:
    """One rule of one plan: its values in order of their dates."""

    name: str
    description: str
    unit: str
    clause: str
    values: tuple[RuleValue, ...]
    file: str

    def in_force(self, day: date) -> RuleValue:
        """The value in force on the day; raises RuleNotInForce before the first date."""
        candidates = [value for value in self.values if value.from_on <= day]
        if not candidates:
            first = self.values[0].from_on
            raise RuleNotInForce(
                f"{self.file}: no value of {self.name} is in force on {day}; the first one starts on {first}"
            )
        return candidates[-1]

    def stated(self, until: date) -> dict:
        """The rule's unit and every value that has started by the day, as plain values: the input of digests."""
        return {"unit": self.unit, "values": {v.from_on.isoformat(): _stated(v.value) for v in self.values
                                              if v.from_on <= until}}  # fmt: skip


@dataclass(frozen=True, order=True)
class BenefitLimit:
    """The most a plan pays for one case. `illness_code` None: any illness without a limit of its own."""

    tier: str
    severity: str
    age_from: int
    age_to: int
    limit_fen: int
    illness_code: str | None = None

    def stated(self) -> dict:
        """The limit as plain values."""
        ages = f"{self.age_from}-{self.age_to}"
        limit = {"tier": self.tier, "severity": self.severity, "ages": ages, "limit_fen": self.limit_fen}
        return limit if self.illness_code is None else {**limit, "illness_code": self.illness_code}


@dataclass(frozen=True)
class BenefitRules:
    """The rules of benefits, in force for diagnoses from `from_on` until the day before `until_on` (None: open end).

    `helped_illnesses` None: every illness the platform lists. `removed_illnesses` holds (illness_code, severity).
    `age_counted_on`: the claim's column with the day on which the age is counted.
    """

    from_on: date
    until_on: date | None
    limits: tuple[BenefitLimit, ...]
    helped_illnesses: tuple[str, ...] | None
    removed_illnesses: tuple[tuple[str, str], ...]
    age_counted_on: str
    waiting_applies_to_accidents: bool


@dataclass(frozen=True)
class SharingRules:
    """The rules that decide the shares of a period, in force on its publicity day.

    `waiver_joined_by`: members who joined by that day do not pay (the platform does); None: no waiver.
    `funded`: the platform bears every share. `minimum_members`: below it the plan ends.
    """

    fee_rate_ppm: int
    rounding: str
    weights_ppm: Mapping[str, int]
    per_case_cap_fen: int | None
    yearly_cap_fen: int | None
    waiver_joined_by: date | None
    funded: bool
    helped_member_shares: bool
    minimum_members: int


@dataclass(frozen=True)
class JoiningRules:
    """The gate's rules for a spell, in force on the publicity day. Ages are in completed years or in days."""

    waiting_days: int
    joining_age_from_days: int
    joining_age_to_years: int
    membership_ends_at_age_years: int | None


@dataclass(frozen=True)
class Plan:
    """One plan of a platform with its dated rules."""

    plan_id: str
    names: Mapping[str, str]
    first_period: Period
    last_period: Period | None
    rules: Mapping[str, Rule]

    def sharing_on(self, publicity_on: date) -> SharingRules:
        """The rules of sharing in force on a publicity day; raises RuleNotInForce."""
        value = lambda name: self.rules[name].in_force(publicity_on).value  # noqa: E731
        return SharingRules(
            fee_rate_ppm=value("fee_rate"),
            rounding=value("rounding"),
            weights_ppm=value("tier_weights"),
            per_case_cap_fen=value("per_case_cap"),
            yearly_cap_fen=value("yearly_cap"),
            waiver_joined_by=value("first_month_waiver"),
            funded=value("funded_periods"),
            helped_member_shares=value("helped_member_shares"),
            minimum_members=value("minimum_members"),
        )

    def joining_on(self, day: date) -> JoiningRules:
        """The rules of joining in force on a day; raises RuleNotInForce."""
        value = lambda name: self.rules[name].in_force(day).value  # noqa: E731
        return JoiningRules(
            waiting_days=value("waiting_days"),
            joining_age_from_days=value("joining_age_from"),
            joining_age_to_years=value("joining_age_to"),
            membership_ends_at_age_years=value("membership_end_age"),
        )

    def is_ruled_on(self, day: date) -> bool:
        """Whether every rule of joining and sharing has a value on the day."""
        try:
            self.sharing_on(day), self.joining_on(day)
        except RuleNotInForce:
            return False
        return True

    def benefit_rules(self) -> tuple[BenefitRules, ...]:
        """The benefit rules of every range of diagnosis days, in order, without gaps."""
        dated = [self.rules[name] for name in BENEFIT_RULE_NAMES]
        start = max(rule.values[0].from_on for rule in dated)
        starts = sorted({start, *(v.from_on for rule in dated for v in rule.values if v.from_on > start)})
        ends = [*starts[1:], None]
        return tuple(self._benefit_rules(from_on, until_on) for from_on, until_on in zip(starts, ends, strict=True))

    def stated(self, until: date) -> dict:
        """Every rule with the values that have started by the day, as plain values."""
        return {name: self.rules[name].stated(until) for name in sorted(self.rules)}

    def version_on(self, day: date) -> str:
        """The rows' `rule_version`: digest of the plan's id and of every rule value that has started by the day."""
        return canonical_digest({"plan": self.plan_id, "rules": self.stated(day)})

    def _benefit_rules(self, from_on: date, until_on: date | None) -> BenefitRules:
        value = lambda name: self.rules[name].in_force(from_on).value  # noqa: E731
        return BenefitRules(
            from_on=from_on,
            until_on=until_on,
            limits=(*value("illness_limits"), *value("benefit_limits")),
            helped_illnesses=value("helped_illnesses"),
            removed_illnesses=value("removed_illnesses"),
            age_counted_on=value("age_counted_on"),
            waiting_applies_to_accidents=value("waiting_applies_to_accidents"),
        )


BENEFIT_RULE_NAMES = (
    "benefit_limits",
    "illness_limits",
    "helped_illnesses",
    "removed_illnesses",
    "age_counted_on",
    "waiting_applies_to_accidents",
)


@dataclass(frozen=True)
class Account:
    """One account of a platform's chart. `kind`: asset, liability, income, expense or clearing."""

    account: str
    kind: str
    meaning: str


@dataclass(frozen=True)
class CollectionRules:
    """How money is collected: whether a share is deducted in part, and who bears dues that are never collected.

    `deducts`: whole_shares or any_part. `shortfall_borne_by`: platform or next_period.
    """

    deducts: str
    shortfall_borne_by: str
    reference: str


@dataclass(frozen=True)
class Platform:
    """One platform: calendar, chart of accounts, illnesses and plans.

    `carry_on`: the money on which the residual is counted, billed or collected. `correction_threshold_fen`: a member's
    difference of a corrected period below it is borne by the next pool.
    `illnesses` maps each illness code to its names by language.
    """

    platform_id: str
    names: Mapping[str, str]
    time_zone: str
    carry_on: str
    collection: CollectionRules
    correction_threshold_fen: int
    calendar: Calendar
    accounts: tuple[Account, ...]
    illnesses: Mapping[str, Mapping[str, str]]
    plans: Mapping[str, Plan]

    def settlement_rules(self, period: Period, plan_ids: Collection[str]) -> dict:
        """The rules that decide a settlement of these plans in the period, as plain values."""
        day = self.calendar.publicity_on(period)
        return {
            **self._common_rules(period),
            "carry_on": self.carry_on,
            "plans": {plan_id: self.plans[plan_id].stated(day) for plan_id in sorted(plan_ids)},
        }

    def collection_rules(self, period: Period) -> dict:
        """The rules that decide a collection of the period, as plain values."""
        return {**self._common_rules(period), "deducts": self.collection.deducts}

    def correction_rules(self, origin: Period, period: Period, plan_ids: Collection[str]) -> dict:
        """The rules that decide a correction of these plans of the closed period `origin` into `period`."""
        return {
            "origin": self.settlement_rules(origin, plan_ids),
            "days": {"period": _days(self.calendar, period)},
            "threshold_fen": self.correction_threshold_fen,
        }

    def closing_rules(self, period: Period) -> dict:
        """The rules that decide a close of the period, as plain values."""
        return {
            **self._common_rules(period),
            "accounts": sorted(account.account for account in self.accounts),
            "periods_of_month": [str(p) for p in self.calendar.of_month(period.year, period.month)],
        }

    def _common_rules(self, period: Period) -> dict:
        """The platform, its time zone, who bears a shortfall, and the days of the period and its neighbours.

        Without the end of the calendar: it moves with the years, and no earlier period changes by that.
        """
        calendar = self.calendar
        near = {"previous": calendar.previous(period), "period": period, "next": calendar.following(period)}
        return {
            "platform": self.platform_id,
            "time_zone": self.time_zone,
            "shortfall_borne_by": self.collection.shortfall_borne_by,
            "days": {name: _days(calendar, of) for name, of in near.items() if of is not None},
        }


def _days(calendar: Calendar, period: Period) -> dict:
    return {
        "name": str(period),
        "publicity_on": calendar.publicity_on(period),
        "deduction_on": calendar.deduction_on(period),
        "grace_ends_on": calendar.grace_ends_on(period),
    }


def _stated(value: Any) -> Any:
    """A rule's value without the names of the classes that hold it."""
    if isinstance(value, BenefitLimit):
        return value.stated()
    return [_stated(part) for part in value] if isinstance(value, tuple) else value
