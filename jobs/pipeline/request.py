"""The request of a command: environment, platform, period, plans. Everything is checked before Spark starts."""

import argparse
import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from deltalake.exceptions import DeltaError

from jobs.base.environment import Environment, load_environment
from jobs.base.errors import WrongUsage
from jobs.lake.object_stores import unreachable
from jobs.lake.small import SmallTables
from jobs.lake.storage import check_reachable, is_local, local_folder
from jobs.register.lake_record import platform_of
from jobs.rulebook import load_platform
from jobs.rulebook.calendar import Period
from jobs.rulebook.rules import Platform


@dataclass(frozen=True)
class Request:
    """A command's request for one lake."""

    environment: Environment
    platform: Platform
    lake_root: str
    as_of: date


@dataclass(frozen=True)
class PeriodRequest(Request):
    """A command's request for one period of one lake. `plan_ids` None: all plans with members or claims."""

    period: Period
    plan_ids: tuple[str, ...] | None

    @property
    def publicity_on(self) -> date:
        return self.platform.calendar.publicity_on(self.period)


def request_of(args: argparse.Namespace) -> Request:
    """The request of a command line; raises WrongUsage."""
    environment = load_environment(args.conf)
    _check_name(args.lake)
    if is_local(args.lake) and not _is_folder(args.lake):
        raise WrongUsage(
            f"Lake {args.lake}: there is no such folder. Nothing was done. "
            "Name an existing lake with --lake, or make one with `fentan generate`."
        )
    lake_root = _root_of(args.lake)
    check_reachable(SmallTables(lake_root, environment.storage))
    return _request(args, environment, _platform_id(args, environment, lake_root), lake_root)


def new_lake_request_of(args: argparse.Namespace) -> Request:
    """The request for a lake that may not exist yet; raises WrongUsage."""
    environment = load_environment(args.conf)
    _check_name(args.lake)
    lake_root = _root_of(args.lake)
    check_reachable(SmallTables(lake_root, environment.storage))
    is_new = is_local(args.lake) and not _is_folder(args.lake)
    platform_id = args.platform or environment.platform if is_new else _platform_id(args, environment, lake_root)
    return _request(args, environment, platform_id, lake_root)


def _request(args: argparse.Namespace, environment: Environment, platform_id: str, lake_root: str) -> Request:
    platform = load_platform(platform_id, environment.platforms)
    as_of = args.as_of or datetime.now(ZoneInfo(platform.time_zone)).date()
    return Request(environment, platform, lake_root, as_of)


def _check_name(lake: str) -> None:
    """Raises WrongUsage if the lake's name is no text, or spark-submit lost characters of it."""
    try:
        lake.encode()
    except UnicodeEncodeError as error:
        name = os.fsencode(lake).decode(errors="backslashreplace")
        raise WrongUsage(
            f"Lake {name}: the name is not in UTF-8. Nothing was done. Rename the folder, or reach it by a link whose "
            "path is in UTF-8."
        ) from error
    if "PYSPARK_GATEWAY_PORT" in os.environ and ("?" in lake or "\ufffd" in lake):
        raise WrongUsage(
            f"Lake {lake}: spark-submit replaced characters of the name, because its locale is not UTF-8. Nothing was "
            "done. Set LC_ALL=C.UTF-8 where spark-submit starts."
        )


def _root_of(lake: str) -> str:
    return str(Path(local_folder(lake)).resolve()) if is_local(lake) else lake


def _platform_id(args: argparse.Namespace, environment: Environment, lake_root: str) -> str:
    """The platform named on the command line or in the conf, else the lake's own; raises WrongUsage if they differ."""
    try:
        own = platform_of(SmallTables(lake_root, environment.storage))
    except (OSError, DeltaError) as error:
        raise unreachable(lake_root, error) from error
    named = args.platform or (environment.platform if args.conf else None)
    if own is not None and named not in (None, own):
        raise WrongUsage(
            f"Lake {lake_root} belongs to the platform {own}, not to {named}. Nothing was done. Leave --platform and "
            "the conf's platform out, or name another lake."
        )
    return named or own or environment.platform


def _is_folder(lake: str) -> bool:
    try:
        return local_folder(lake).is_dir()
    except OSError as error:
        raise WrongUsage(
            f"Lake {lake}: cannot be read ({error.strerror}). Nothing was done. "
            "Give the user who runs Fentan the right to enter the folders above it, or name another with --lake."
        ) from error


def period_request_of(args: argparse.Namespace) -> PeriodRequest:
    """The request for one period of a command line; raises WrongUsage."""
    request = request_of(args)
    calendar = request.platform.calendar
    try:
        period = calendar.period(args.period)
    except ValueError as error:
        raise WrongUsage(f"--period: {error}. Nothing was done.") from error
    if calendar.publicity_on(period) > request.as_of:
        raise WrongUsage(
            f"--period {period}: its cases become public on {calendar.publicity_on(period)}; today is {request.as_of}. "
            "Nothing was done. Run it on that day or later."
        )
    plan_ids = tuple(sorted(set(args.plan))) if args.plan else None
    for plan_id in plan_ids or ():
        _check_plan(request.platform, plan_id, period)
    return PeriodRequest(**vars(request), period=period, plan_ids=plan_ids)


def _check_plan(platform: Platform, plan_id: str, period: Period) -> None:
    if plan_id not in platform.plans:
        known = ", ".join(sorted(platform.plans))
        raise WrongUsage(
            f"--plan {plan_id}: {platform.platform_id} has no such plan; it has {known}. Nothing was done."
        )
    plan = platform.plans[plan_id]
    if not exists_in(platform, plan_id, period):
        last = plan.last_period or platform.calendar.last_period
        raise WrongUsage(
            f"--plan {plan_id}: the plan runs from {plan.first_period} to {last}, not in {period}. Nothing was done."
        )


def exists_in(platform: Platform, plan_id: str, period: Period) -> bool:
    """Whether the plan exists in the period: it started in it or before, and did not end before it."""
    plan = platform.plans[plan_id]
    return plan.first_period <= period and (plan.last_period is None or period <= plan.last_period)
