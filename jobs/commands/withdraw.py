"""`fentan withdraw`: takes back a settlement of which nothing was collected, so that it can be settled again."""

import argparse

from jobs.commands.options import add_period_arguments, add_reason
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import period_request_of
from jobs.pipeline.work import carry_out
from jobs.works.withdraw import Withdraw

EXAMPLES = """  fentan withdraw --lake ./lake --period 2020-12-P2 --reason "claims were missing"
  fentan withdraw --lake ./lake --period 2020-12-P2 --plan critical_illness --reason "claims were missing" """


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_period_arguments(parser, "only these plans (default: all that are settled)")
    add_reason(parser, "why the settlement is taken back; kept in control/runs")


def run(args: argparse.Namespace) -> Outcome:
    """Withdraws the settlements of the period; starts no Java."""
    request = period_request_of(args)
    lake = open_lake(request.environment, request.lake_root, str(request.period))
    return carry_out(Withdraw(args.reason), request, lake)
