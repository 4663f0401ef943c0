"""`fentan preview`: the whole settlement without publishing, from the same code as `settle`."""

import argparse

from jobs.commands.options import add_period_arguments
from jobs.pipeline.look import look
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import period_request_of
from jobs.works.preview import Preview

EXAMPLES = """  fentan preview --lake ./lake --period 2020-12-P1
  fentan preview --lake ./lake --period 2020-12-P1 --plan critical_illness --json"""

add_arguments = add_period_arguments


def run(args: argparse.Namespace) -> Outcome:
    """Computes the period and its digests; writes nothing."""
    return look(Preview(), period_request_of(args))
