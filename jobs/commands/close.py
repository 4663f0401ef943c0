"""`fentan close`: posts fee expenditure, carries balances forward and locks the period."""

import argparse

from jobs.commands.options import add_period_arguments
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import period_request_of
from jobs.pipeline.work import carry_out
from jobs.works.close import Close

EXAMPLES = """  fentan close --lake ./lake --period 2020-12-P1
  fentan close --lake ./lake --period 2020-12-P1 --as-of 2020-12-26"""

add_arguments = add_period_arguments


def run(args: argparse.Namespace) -> Outcome:
    """Closes the period."""
    request = period_request_of(args)
    return carry_out(Close(), request, open_lake(request.environment, request.lake_root, str(request.period)))
