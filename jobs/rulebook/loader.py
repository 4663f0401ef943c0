"""Reads a platform folder: platform, calendar, accounts, and of each plan one YAML file per rule."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jobs.errors import WrongUsage
from jobs.rulebook.calendar import Calendar, MonthlyPeriod, Period
from jobs.rulebook.rules import Account, CollectionRules, Plan, Platform, Rule, RuleValue
from jobs.rulebook.strict import Fault, day, exact_keys, one_of, read_yaml, text, whole_number
from jobs.rulebook.values import KINDS

ACCOUNT_KINDS = ("asset", "liability", "income", "expense", "clearing")
ACCOUNTS = (
    "pool", "benefits_payable", "fee_accrued", "members_receivable", "sponsor_receivable", "fee_income", "cash",
    "suspense", "bad_debt", "use_investigation", "use_technology", "use_staff_and_premises", "operating_cash",
)  # fmt: skip


def platform_ids(folder: Traversable | Path | None = None) -> tuple[str, ...]:
    """The platforms that a folder holds; without a folder, the shipped ones."""
    root = folder if folder is not None else files("conf").joinpath("platforms")
    if not root.is_dir():
        raise WrongUsage(
            f"{root}: there is no such folder of platforms. Nothing was done. Correct `platforms` in the conf."
        )
    return tuple(sorted(entry.name for entry in root.iterdir() if entry.joinpath("platform.yaml").is_file()))


def load_platform(platform_id: str, folder: Traversable | Path | None = None) -> Platform:
    """The platform's rules as frozen values; raises WrongUsage naming the file and the key of the first fault."""
    known = platform_ids(folder)
    if platform_id not in known:
        raise WrongUsage(f"Platform {platform_id} is not known; known are {', '.join(known)}. Nothing was done.")
    root = (folder if folder is not None else files("conf").joinpath("platforms")).joinpath(platform_id)
    file, document = _read(root, platform_id, "platform.yaml")
    exact_keys(document, ("names", "time_zone", "carry_on", "collection", "illnesses"), file, "")
    illnesses = {
        text(code, file, "illnesses"): _names(names, file, f"illnesses.{code}")
        for code, names in document["illnesses"].items()
    }
    calendar = _calendar(*_read(root, platform_id, "calendar.yaml"))
    plans = {
        entry.name: _plan(entry, f"{platform_id}/plans/{entry.name}", calendar, tuple(sorted(illnesses)))
        for entry in sorted(root.joinpath("plans").iterdir(), key=lambda entry: entry.name)
        if entry.is_dir()
    }
    return Platform(
        platform_id=platform_id,
        names=_names(document["names"], file, "names"),
        time_zone=_time_zone(document["time_zone"], file),
        carry_on=_carry_on(document["carry_on"], file),
        collection=_collection(document["collection"], document["carry_on"]["value"], file),
        calendar=calendar,
        accounts=_accounts(*_read(root, platform_id, "accounts.yaml")),
        illnesses=MappingProxyType(illnesses),
        plans=MappingProxyType(plans),
    )


def _read(root: Traversable | Path, at: str, name: str) -> tuple[str, dict]:
    file = f"{at}/{name}"
    return file, read_yaml(root.joinpath(name), file)


def _names(value: Any, file: str, key: str) -> MappingProxyType:
    exact_keys(value, ("zh", "en"), file, key)
    return MappingProxyType({language: text(name, file, f"{key}.{language}") for language, name in value.items()})


def _time_zone(value: Any, file: str) -> str:
    try:
        ZoneInfo(text(value, file, "time_zone"))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Fault(file, "time_zone", f"{value!r} is not a time zone") from error
    return value


def _carry_on(value: Any, file: str) -> str:
    exact_keys(value, ("value", "reference"), file, "carry_on")
    text(value["reference"], file, "carry_on.reference")
    return one_of(value["value"], ("billed", "collected"), file, "carry_on.value")


def _collection(value: Any, carry_on: str, file: str) -> CollectionRules:
    exact_keys(value, ("deducts", "shortfall_borne_by", "reference"), file, "collection")
    borne_by = one_of(value["shortfall_borne_by"], ("platform", "next_period"), file, "collection.shortfall_borne_by")
    if carry_on == "collected" and borne_by != "next_period":
        raise Fault(
            file, "collection.shortfall_borne_by", "must be next_period: the residual is carried on collected money"
        )
    return CollectionRules(
        deducts=one_of(value["deducts"], ("whole_shares", "any_part"), file, "collection.deducts"),
        shortfall_borne_by=borne_by,
        reference=text(value["reference"], file, "collection.reference"),
    )


def _calendar(file: str, document: dict) -> Calendar:
    exact_keys(
        document,
        ("periods", "first_period", "last_period", "publicity_days", "grace_days_before_next_deduction", "reference"),
        file,
        "",
    )
    text(document["reference"], file, "reference")
    if not isinstance(document["periods"], list) or not document["periods"]:
        raise Fault(file, "periods", "must list the periods of a month")
    monthly = []
    for number, row in enumerate(document["periods"]):
        exact_keys(row, ("publicity_day", "deduction_day"), file, f"periods.{number}")
        days = [
            whole_number(row[name], file, f"periods.{number}.{name}") for name in ("publicity_day", "deduction_day")
        ]
        if not 1 <= days[0] < days[1] <= 28:
            raise Fault(file, f"periods.{number}", "publicity comes before deduction, both on days 1 to 28")
        monthly.append(MonthlyPeriod(*days))
    if [m.publicity_day for m in monthly] != sorted({m.publicity_day for m in monthly}):
        raise Fault(file, "periods", "must be in the order of their publicity days")
    widest = Calendar(tuple(monthly), Period(1, 1, 1), Period(9999, 12, len(monthly)), 1, 1)
    return Calendar(
        monthly=tuple(monthly),
        first_period=_period(widest, document["first_period"], file, "first_period"),
        last_period=_period(widest, document["last_period"], file, "last_period"),
        publicity_days=whole_number(document["publicity_days"], file, "publicity_days"),
        grace_days_before_next_deduction=whole_number(
            document["grace_days_before_next_deduction"], file, "grace_days_before_next_deduction"
        ),
    )


def _period(calendar: Calendar, value: Any, file: str, key: str) -> Period:
    try:
        return calendar.period(text(value, file, key))
    except ValueError as error:
        raise Fault(file, key, str(error)) from error


def _accounts(file: str, document: dict) -> tuple[Account, ...]:
    exact_keys(document, ACCOUNTS, file, "")
    accounts = []
    for name in ACCOUNTS:
        exact_keys(document[name], ("kind", "meaning"), file, name)
        kind = one_of(document[name]["kind"], ACCOUNT_KINDS, file, f"{name}.kind")
        accounts.append(Account(name, kind, text(document[name]["meaning"], file, f"{name}.meaning")))
    return tuple(accounts)


def _plan(folder: Traversable | Path, at: str, calendar: Calendar, illnesses: tuple[str, ...]) -> Plan:
    file, document = _read(folder, at, "plan.yaml")
    exact_keys(document, ("names", "first_period", "last_period", "reference"), file, "")
    text(document["reference"], file, "reference")
    found = {entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")} - {"plan.yaml"}
    for unknown in sorted(found - {f"{name}.yaml" for name in KINDS}):
        raise Fault(f"{at}/{unknown}", "file", f"is not a rule; rules are {', '.join(KINDS)}")
    for missing in [name for name in KINDS if f"{name}.yaml" not in found]:
        raise Fault(
            f"{at}/{missing}.yaml", "file", "is missing: a rule that never applied is written as null with its source"
        )
    last = document["last_period"]
    return Plan(
        plan_id=folder.name,
        names=_names(document["names"], file, "names"),
        first_period=_period(calendar, document["first_period"], file, "first_period"),
        last_period=None if last is None else _period(calendar, last, file, "last_period"),
        rules=MappingProxyType({name: _rule(folder, at, name, illnesses) for name in KINDS}),
    )


def _rule(folder: Traversable | Path, at: str, name: str, illnesses: tuple[str, ...]) -> Rule:
    file, document = _read(folder, at, f"{name}.yaml")
    kind = KINDS[name]
    exact_keys(document, ("description", "unit", "clause", "values"), file, "")
    if document["unit"] != kind.unit:
        raise Fault(file, "unit", f"is {document['unit']!r}; {name} is given in {kind.unit}")
    if not isinstance(document["values"], dict) or not document["values"]:
        raise Fault(file, "values", "must give at least one dated value")
    starts = [day(start, file, f"values.{start}") for start in document["values"]]
    if starts != sorted(starts):
        raise Fault(file, "values", "must be in the order of their dates")
    return Rule(
        name=name,
        description=text(document["description"], file, "description"),
        unit=kind.unit,
        clause=text(document["clause"], file, "clause"),
        values=tuple(_value(name, start, row, file, illnesses) for start, row in document["values"].items()),
        file=file,
    )


def _value(name: str, start, row: Any, file: str, illnesses: tuple[str, ...]) -> RuleValue:
    key = f"values.{start}"
    exact_keys(row, ("value", "reference", "published_on"), file, key)
    kind = KINDS[name]
    if row["value"] is None and not kind.may_be_null:
        raise Fault(file, f"{key}.value", f"is empty; {name} cannot be abolished")
    return RuleValue(
        from_on=start,
        value=None if row["value"] is None else kind.read(row["value"], file, f"{key}.value", illnesses),
        reference=text(row["reference"], file, f"{key}.reference"),
        published_on=day(row["published_on"], file, f"{key}.published_on"),
    )
