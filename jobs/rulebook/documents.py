"""The files of a platform folder as models: platform, calendar, accounts, plan, and one for each kind of rule."""

from datetime import date
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, create_model, model_validator

from jobs.base.strict import MOST, Strict, Text, WholeNumber, must_be, refusal, validated
from jobs.rulebook.values import KINDS, Days, adapter

ACCOUNTS = (
    "pool", "benefits_payable", "fee_accrued", "members_receivable", "sponsor_receivable", "fee_income", "cash",
    "suspense", "bad_debt", "platform_funding", "use_investigation", "use_technology", "use_staff_and_premises",
    "operating_cash", "adjustments_receivable", "refunds_payable",
)  # fmt: skip


DAY_OF_MONTH = Field(json_schema_extra={"minimum": 1, "maximum": 28})


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refusal(f"{name!r} is not a time zone") from error
    return name


class Names(Strict):
    """A name in Chinese and in English."""

    zh: Text
    en: Text


class CarryOn(Strict):
    """On which money the residual is counted: billed or collected."""

    value: Literal["billed", "collected"]
    reference: Text


class Collection(Strict):
    """Whether a share is deducted whole or in part, and who bears write-offs."""

    deducts: Literal["whole_shares", "any_part"]
    shortfall_borne_by: Literal["platform", "next_period"]
    reference: Text


class Corrections(Strict):
    """How a closed period is corrected: differences of a member below the threshold are borne by the next pool."""

    threshold_fen: Annotated[int, Field(ge=1, le=MOST)]
    reference: Text


class PlatformDocument(Strict):
    """platform.yaml: what all plans of a platform share. `illnesses`: the names of each illness code.

    `corrections` absent: every difference from 1 fen on is charged or refunded.
    """

    names: Names
    time_zone: Annotated[Text, AfterValidator(_time_zone)]
    carry_on: CarryOn
    collection: Collection
    corrections: Corrections | None = None
    illnesses: dict[Text, Names]


class PeriodOfMonth(Strict):
    """The days of one period of every month."""

    publicity_day: Annotated[WholeNumber, DAY_OF_MONTH]
    deduction_day: Annotated[WholeNumber, DAY_OF_MONTH]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 1 <= self.publicity_day < self.deduction_day <= 28:
            raise refusal("publicity comes before deduction, both on days 1 to 28")
        return self


class CalendarDocument(Strict):
    """calendar.yaml: the periods of a month, the first and the last period, publicity and grace."""

    periods: Annotated[list[PeriodOfMonth], Field(min_length=1), must_be(list, "must list the periods of a month")]
    first_period: Text
    last_period: Text
    publicity_days: Days
    grace_days_before_next_deduction: Days
    reference: Text


class AccountDocument(Strict):
    """One account of the chart."""

    kind: Literal["asset", "liability", "income", "expense", "clearing"]
    meaning: Text


AccountsDocument = create_model(
    "AccountsDocument",
    __base__=Strict,
    __doc__="accounts.yaml: the chart of accounts.",
    **{name: (AccountDocument, ...) for name in ACCOUNTS},
)


class PlanDocument(Strict):
    """plan.yaml: a plan and its periods. `last_period` null: the plan has no end."""

    names: Names
    first_period: Text
    last_period: Text | None
    reference: Text


def _value_of_rule(value: Any, info: ValidationInfo) -> Any:
    name = info.context["rule"]
    if value is not None:
        return adapter(name).validate_python(value, strict=True, context=info.context)
    if not KINDS[name].may_be_null:
        raise refusal(f"is empty; {name} cannot be abolished")
    return None


def _unit_of_rule(unit: Any, info: ValidationInfo) -> Any:
    name = info.context["rule"]
    if unit != KINDS[name].unit:
        raise refusal(f"is {unit!r}; {name} is given in {KINDS[name].unit}")
    return unit


def _in_order(values: dict[date, Any]) -> dict[date, Any]:
    if list(values) != sorted(values):
        raise refusal("must be in the order of their dates")
    return values


class DatedValue(Strict):
    """One value of a rule. `reference`: its source and its grade; `published_on`: the day of the source."""

    value: Annotated[Any, BeforeValidator(_value_of_rule)]
    reference: Text
    published_on: date


class RuleDocument(Strict):
    """One rule: its unit, its clause, and each value by the day from which it is in force, with its source."""

    description: Text
    unit: Annotated[str, BeforeValidator(_unit_of_rule)]
    clause: Text
    values: Annotated[
        dict[date, DatedValue], AfterValidator(_in_order), must_be(dict, "must give at least one dated value")
    ]


def rule_document(name: str, content: Any, file: str, illnesses: tuple[str, ...]) -> RuleDocument:
    """The content of a rule's file; raises Fault. One model serves all kinds: one for each takes long to build."""
    return validated(RuleDocument, content, file, {"rule": name, "illnesses": illnesses}, KINDS[name].value)


def rule_model(name: str) -> type[RuleDocument]:
    """The model of one kind of rule, for its JSON Schema."""
    kind = KINDS[name]
    value = kind.value | None if kind.may_be_null else kind.value
    dated = create_model(f"{name} value", __base__=DatedValue, __doc__=DatedValue.__doc__, value=(value, ...))
    unit, values = Literal[kind.unit], Annotated[dict[date, dated], Field(min_length=1)]
    return create_model(
        name, __base__=RuleDocument, __doc__=RuleDocument.__doc__, unit=(unit, ...), values=(values, ...)
    )
