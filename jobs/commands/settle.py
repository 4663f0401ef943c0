"""`fentan settle`: quality gate, settlement, proof of the read-back rows, publication."""

import argparse

from jobs.commands.options import add_period_arguments
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import period_request_of
from jobs.pipeline.work import carry_out
from jobs.works.settle import Settle

EXAMPLES = """  fentan settle --lake ./lake --period 2020-12-P1
  fentan settle --lake ./lake --period 2020-12-P1 --plan critical_illness --expect-digest 5d0c..."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_period_arguments(parser)
    parser.add_argument(
        "--expect-digest",
        nargs="+",
        metavar="DIGEST",
        help="publish only what a preview showed: the digest it printed for each plan of the run",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Settles the plans of the period that are not published yet."""
    request = period_request_of(args)
    lake = open_lake(request.environment, request.lake_root, str(request.period))
    return carry_out(Settle(tuple(args.expect_digest or ())), request, lake)
