"""`fentan preview`: the whole settlement without publishing, computed by the code of `settle`."""

import argparse

from jobs.commands.options import add_period_arguments
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import carry_out_query
from jobs.pipeline.request import period_request_of
from jobs.works.preview import Preview

EXAMPLES = """  fentan preview --lake ./lake --period 2020-12-P1
  fentan preview --lake ./lake --period 2020-12-P1 --plan critical_illness --json"""

add_arguments = add_period_arguments


def run(args: argparse.Namespace) -> Outcome:
    """Computes the period and its digests; writes nothing."""
    return carry_out_query(Preview(), period_request_of(args))
