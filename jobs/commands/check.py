"""`fentan check`: the quality gate alone."""

import argparse

from jobs.commands.options import add_period_arguments
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import carry_out_query
from jobs.pipeline.request import period_request_of
from jobs.works.check import Check

EXAMPLES = """  fentan check --lake ./lake --period 2020-12-P1
  fentan check --lake ./lake --period 2020-12-P1 --json"""

add_arguments = add_period_arguments


def run(args: argparse.Namespace) -> Outcome:
    """Judges members and claims, records the results in control/quality, and shows every rule."""
    return carry_out_query(Check(), period_request_of(args))
