"""`fentan approve`: one person approves the digests of a preview, before they are settled."""

import argparse

from jobs.commands.options import add_period_arguments, text
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import period_request_of
from jobs.pipeline.work import carry_out
from jobs.works.approve import Approve

EXAMPLES = """  fentan approve --lake ./lake --period 2020-12-P1 --digest 5d0c... --by "Li Wei\""""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_period_arguments(parser)
    parser.add_argument(
        "--digest",
        nargs="+",
        required=True,
        type=text,
        metavar="DIGEST",
        help="the digests that `fentan preview` printed, one for each plan that is approved",
    )
    parser.add_argument(
        "--by", required=True, type=text, metavar="NAME", help="who approves; the name is not authenticated"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Computes the period as a preview does and records the approval in control/approvals."""
    request = period_request_of(args)
    lake = open_lake(request.environment, request.lake_root, str(request.period))
    return carry_out(Approve(args.digest, args.by), request, lake)
