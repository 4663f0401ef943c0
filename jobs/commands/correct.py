"""`fentan correct`: settles a closed period again and posts the signed differences into the first unsettled one."""

import argparse
from dataclasses import replace

from jobs.base.errors import WrongUsage
from jobs.commands.options import add_period_arguments
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import PeriodRequest, period_request_of
from jobs.pipeline.work import carry_out
from jobs.rulebook.calendar import Period
from jobs.works.correct import Correct
from jobs.works.correct_pinning import check_order

EXAMPLES = """  fentan correct --lake ./lake --period 2020-12-P1 --into 2021-01-P1 --reason "a claim came late"
  fentan correct --lake ./lake --period 2020-12-P1 --into 2021-01-P1 --reason "fraud" --plan critical_illness"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The closed period, the open one, and the reason."""
    add_period_arguments(command)
    command.add_argument("--into", required=True, metavar="Q", help="first period that is not settled yet")
    command.add_argument("--reason", required=True, metavar="TEXT", help="why the period is corrected; it is published")


def run(args: argparse.Namespace) -> Outcome:
    """Corrects the closed period."""
    request = period_request_of(args)
    into = _into(request, args.into)
    check_order(request.period, into, args.reason)
    lake = open_lake(request.environment, request.lake_root, f"correct {request.period}")
    return carry_out(Correct(request.period, args.reason.strip()), replace(request, period=into), lake)


def _into(request: PeriodRequest, name: str) -> Period:
    try:
        return request.platform.calendar.period(name)
    except ValueError as error:
        raise WrongUsage(f"--into: {error}. Nothing was corrected.") from error
