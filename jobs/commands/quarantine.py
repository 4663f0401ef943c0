"""`fentan quarantine`: the rows held, one of them, and decisions on them: release or waive."""

import argparse
import re

from jobs.base.errors import WrongUsage
from jobs.commands.options import count
from jobs.commands.quarantine_shown import list_document, list_text, row_document, row_text
from jobs.lake.lake import Lake
from jobs.lake.opening import open_lake
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query, carry_out_query
from jobs.pipeline.request import Request, request_of
from jobs.works.decide import Decision, decide, not_held, rows_of_one_key
from jobs.works.held_rows import HeldRow, held_row, held_rows
from schemas.control import SOURCE_OF_HELD

EXAMPLES = """  fentan quarantine list --lake ./lake
  fentan quarantine list --lake ./lake --period 2020-12-P1 --reason receipt_duplicated
  fentan quarantine show 0123456789abcdef --lake ./lake
  fentan quarantine release 0123456789abcdef --lake ./lake --by "Li Wei" --reason "bank statement of 14 December"
  fentan quarantine waive 0123456789abcdef --lake ./lake --by "Li Wei" --reason "paid back"

A release lets the row pass the rules it broke: a member or a claim in the next settlement, a receipt in the next
collection, a cost in the next close. Of rows with one key, it waives the others. A waived row is not reported any more
and never settled."""
LIST, SHOW, ACTIONS = "list", "show", ("release", "waive")
HELD_ID = re.compile("[0-9a-f]{16}")
MOST_TEXT = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=(LIST, SHOW, *ACTIONS), help="what to do")
    parser.add_argument("held_id", nargs="?", metavar="ID", help="held_id of the row (all but list)")
    parser.add_argument("--by", metavar="WHO", help="who decides (release, waive)")
    parser.add_argument("--reason", metavar="TEXT", help="why (release, waive); list: only rows held for this reason")
    parser.add_argument("--period", metavar="P", help="list: only rows held in this period")
    parser.add_argument(
        "--table", choices=tuple(SOURCE_OF_HELD), metavar="TABLE", help="list: only rows of this quarantine table"
    )
    parser.add_argument("--rows", type=count, default=20, metavar="N", help="list: how many rows to show (default 20)")


def run(args: argparse.Namespace) -> Outcome:
    """Shows held rows, without Java; or decides on one row, under the run lock."""
    _check(args)
    request = request_of(args)
    if args.what == LIST:
        return carry_out_query(HeldList(args.table, args.reason, args.period, args.rows), request)
    if args.what == SHOW:
        return carry_out_query(OneHeldRow(args.held_id), request)
    decision = Decision(args.held_id, args.what, args.by.strip(), args.reason.strip())
    return decide(request, open_lake(request.environment, request.lake_root, "quarantine"), decision)


class HeldList(Query):
    """The rows held, by table, reason and period, each None for all; `most` of them one by one."""

    purpose = "quarantine"

    def __init__(self, table: str | None, reason: str | None, period: str | None, most: int):
        self.table, self.reason, self.period, self.most = table, reason, period, most

    def read(self, request: Request, lake: Lake) -> list[HeldRow]:
        rows = held_rows(lake.small, SOURCE_OF_HELD if self.table is None else (self.table,))
        return [row for row in rows if self._matches(row)]

    def show(self, request: Request, answer: list[HeldRow]) -> Outcome:
        document = list_document(request.lake_root, answer, self.reason, self.period, self.most)
        return Outcome(document, list_text(document))

    def _matches(self, row: HeldRow) -> bool:
        return any(
            self.period in (None, held["held_in_period"]) and (self.reason is None or self.reason in held["reasons"])
            for held in row.held
        )


class OneHeldRow(Query):
    """One row held, whole, with the other rows of its key."""

    purpose = "quarantine"

    def __init__(self, held_id: str):
        self.held_id = held_id

    def read(self, request: Request, lake: Lake) -> dict:
        row = held_row(lake.small, self.held_id)
        if row is None:
            raise WrongUsage(not_held(self.held_id))
        return row_document(request, lake.small, row, rows_of_one_key(lake.small, row))

    def show(self, request: Request, answer: dict) -> Outcome:
        return Outcome(answer, row_text(answer))


def _check(args: argparse.Namespace) -> None:
    """Raises WrongUsage if the options do not belong together."""
    what = f"quarantine {args.what}"
    if args.what == LIST:
        if args.held_id is not None or args.by is not None:
            raise WrongUsage(f"{what}: takes no ID and no --by. Nothing was done. To see one row: quarantine show ID.")
        return
    if args.held_id is None or HELD_ID.fullmatch(args.held_id) is None:
        raise WrongUsage(
            f"{what}: needs the ID of a row, 16 digits 0-9 and a-f. Nothing was done. `fentan quarantine list` shows "
            "the ids."
        )
    if args.what in ACTIONS:
        for option, text in (("--by", args.by), ("--reason", args.reason)):
            if not (text or "").strip() or len(text) > MOST_TEXT:
                raise WrongUsage(
                    f"{what}: needs {option} with a text of 1 to {MOST_TEXT} characters: who decided and why is kept. "
                    "Nothing was done."
                )
