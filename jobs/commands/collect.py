"""`fentan collect`: allocates receipts to shares; arrears, lapses, aid paid, fee received."""

import argparse

from jobs.commands.options import add_accept_lapses, add_period_arguments
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.request import period_request_of
from jobs.pipeline.work import carry_out
from jobs.works.collect import Collect

EXAMPLES = """  fentan collect --lake ./lake --period 2020-12-P1 --as-of 2020-12-20
  fentan collect --lake ./lake --period 2020-12-P1          (all receipts until today)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_period_arguments(parser)
    add_accept_lapses(parser)


def run(args: argparse.Namespace) -> Outcome:
    """Collects the period up to `--as-of`."""
    request = period_request_of(args)
    lake = open_lake(request.environment, request.lake_root, str(request.period))
    return carry_out(Collect(args.accept_lapses), request, lake)
