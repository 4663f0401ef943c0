"""Reads a platform folder: platform, calendar, accounts, and for each plan one YAML file per rule."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from jobs.base.errors import WrongUsage
from jobs.base.strict import Fault, validated
from jobs.rulebook.bands import check_age_bands
from jobs.rulebook.calendar import Calendar, MonthlyPeriod, Period
from jobs.rulebook.documents import (
    ACCOUNTS,
    AccountsDocument,
    CalendarDocument,
    Names,
    PlanDocument,
    PlatformDocument,
    rule_document,
)
from jobs.rulebook.plain_yaml import read_yaml
from jobs.rulebook.rules import Account, CollectionRules, Plan, Platform, Rule, RuleValue
from jobs.rulebook.values import KINDS

FIRST_YEAR, LAST_YEAR = 1900, 2999
PLAN_FILE = "plan.yaml"


def platform_ids(folder: Traversable | Path | None = None) -> tuple[str, ...]:
    """The platforms that a folder holds; without a folder, the shipped ones."""
    root = _root(folder)
    with _readable(root):
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
    root = _root(folder).joinpath(platform_id)
    with _readable(root):
        return _platform(root, platform_id)


def _root(folder: Traversable | Path | None) -> Traversable | Path:
    return files("conf").joinpath("platforms") if folder is None else folder


@contextmanager
def _readable(folder: Traversable | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WrongUsage(
            f"{error.filename or folder}: cannot be read ({error.strerror}). Nothing was done. "
            "Give the user who runs Fentan the right to read the folder of platforms."
        ) from error


def _platform(root: Traversable | Path, platform_id: str) -> Platform:
    file = f"{platform_id}/platform.yaml"
    document = validated(PlatformDocument, read_yaml(root.joinpath("platform.yaml"), file), file)
    if document.carry_on.value == "collected" and document.collection.shortfall_borne_by != "next_period":
        raise Fault(
            file, "collection.shortfall_borne_by", "must be next_period: the residual is carried on collected money"
        )
    calendar = _calendar(root, platform_id)
    illnesses = tuple(sorted(document.illnesses))
    return Platform(
        platform_id=platform_id,
        names=_names(document.names),
        time_zone=document.time_zone,
        carry_on=document.carry_on.value,
        collection=CollectionRules(**dict(document.collection)),
        correction_threshold_fen=1 if document.corrections is None else document.corrections.threshold_fen,
        calendar=calendar,
        accounts=_accounts(root, platform_id),
        illnesses=MappingProxyType({code: _names(names) for code, names in document.illnesses.items()}),
        plans=MappingProxyType(
            {
                folder.name: _plan(folder, f"{platform_id}/plans/{folder.name}", calendar, illnesses)
                for folder in _plan_folders(root, platform_id)
            }
        ),
    )


def _names(names: Names) -> Mapping[str, str]:
    return MappingProxyType(dict(names))


def _calendar(root: Traversable | Path, platform_id: str) -> Calendar:
    file = f"{platform_id}/calendar.yaml"
    document = validated(CalendarDocument, read_yaml(root.joinpath("calendar.yaml"), file), file)
    monthly = tuple(MonthlyPeriod(row.publicity_day, row.deduction_day) for row in document.periods)
    if [m.publicity_day for m in monthly] != sorted({m.publicity_day for m in monthly}):
        raise Fault(file, "periods", "must be in the order of their publicity days")
    if document.grace_days_before_next_deduction >= _shortest_time_between(monthly):
        raise Fault(file, "grace_days_before_next_deduction", "must be fewer than the days between two deductions")
    widest = Calendar(monthly, Period(FIRST_YEAR, 1, 1), Period(LAST_YEAR, 12, len(monthly)), 1, 1)
    first, last = _first_and_last(document, widest, file)
    return Calendar(
        monthly=monthly,
        first_period=first,
        last_period=last,
        publicity_days=document.publicity_days,
        grace_days_before_next_deduction=document.grace_days_before_next_deduction,
    )


def _shortest_time_between(monthly: tuple[MonthlyPeriod, ...]) -> int:
    """The fewest days from one deduction day to the next, in a February of 28 days."""
    days = [m.deduction_day for m in monthly]
    return min(after - before for before, after in pairwise([*days, days[0] + 28]))


def _first_and_last(
    document: CalendarDocument | PlanDocument, calendar: Calendar, file: str
) -> tuple[Period, Period | None]:
    """The first and the last period of a calendar or a plan; None where a plan has no end."""
    first = _period(calendar, document.first_period, file, "first_period")
    if document.last_period is None:
        return first, None
    last = _period(calendar, document.last_period, file, "last_period")
    if last < first:
        raise Fault(file, "last_period", f"is {last}, before the first period {first}")
    return first, last


def _period(calendar: Calendar, name: str, file: str, key: str) -> Period:
    try:
        return calendar.period(name)
    except ValueError as error:
        raise Fault(file, key, str(error)) from error


def _accounts(root: Traversable | Path, platform_id: str) -> tuple[Account, ...]:
    file = f"{platform_id}/accounts.yaml"
    document = validated(AccountsDocument, read_yaml(root.joinpath("accounts.yaml"), file), file)
    accounts = {name: getattr(document, name) for name in ACCOUNTS}
    return tuple(Account(name, account.kind, account.meaning) for name, account in accounts.items())


def _plan_folders(root: Traversable | Path, platform_id: str) -> list[Traversable | Path]:
    folder = root.joinpath("plans")
    folders = [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
    if not folders:
        raise Fault(f"{platform_id}/plans", "file", "must be a folder with a folder for each plan")
    return sorted(folders, key=lambda entry: entry.name)


def _plan(folder: Traversable | Path, at: str, calendar: Calendar, illnesses: tuple[str, ...]) -> Plan:
    file = f"{at}/{PLAN_FILE}"
    document = validated(PlanDocument, read_yaml(folder.joinpath(PLAN_FILE), file), file)
    first, last = _first_and_last(document, calendar, file)
    _check_rule_files(folder, at)
    rules = {name: _rule(folder, at, name, illnesses) for name in KINDS}
    check_age_bands(rules)
    return Plan(
        plan_id=folder.name,
        names=_names(document.names),
        first_period=first,
        last_period=last,
        rules=MappingProxyType(rules),
    )


def _check_rule_files(folder: Traversable | Path, at: str) -> None:
    """Raises Fault unless the folder holds one YAML file for each kind of rule, and no other."""
    names = {entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")} - {PLAN_FILE}
    for unknown in sorted(names - {f"{name}.yaml" for name in KINDS}):
        raise Fault(f"{at}/{unknown}", "file", f"is not a rule; rules are {', '.join(KINDS)}")
    for missing in [name for name in KINDS if f"{name}.yaml" not in names]:
        raise Fault(
            f"{at}/{missing}.yaml", "file", "is missing: a rule that never applied is written as null with its source"
        )


def _rule(folder: Traversable | Path, at: str, name: str, illnesses: tuple[str, ...]) -> Rule:
    file = f"{at}/{name}.yaml"
    content = read_yaml(folder.joinpath(f"{name}.yaml"), file)
    document = rule_document(name, content, file, illnesses)
    return Rule(
        name=name,
        description=document.description,
        unit=document.unit,
        clause=document.clause,
        values=tuple(RuleValue(start, **dict(dated)) for start, dated in document.values.items()),
        file=file,
    )
