"""`fentan explain`: a member's due explained step by step, or a year's statement of a member or a payer."""

import argparse
from pathlib import Path

from jobs.base.errors import IntegrityBroken, Refused, WrongUsage
from jobs.base.progress import announce
from jobs.commands.options import calendar_year, person_id
from jobs.explaining.correction_rows import BILLED
from jobs.explaining.explanation import explain
from jobs.explaining.member_rows import PublishedRows, plans_to_explain
from jobs.explaining.steps import DOES_NOT_FOLLOW
from jobs.lake.lake import Lake
from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.pipeline.query import Query, carry_out_query
from jobs.pipeline.request import PeriodRequest, Request, period_request_of, request_of
from jobs.register.inputs import REMEDY
from jobs.reporting.explain_page import EXPLAIN, explanation_page, statement_page
from jobs.reporting.pages import render

EXAMPLES = """  fentan explain --lake ./lake --member 12345 --period 2020-12-P1
  fentan explain --lake ./lake --member 12345 --period 2020-12-P1 --html why.html
  fentan explain --lake ./lake --member 12345 --year 2020
  fentan explain --lake ./lake --payer 12345 --year 2020 --json"""

STATEMENT_COLUMNS = ("period", "plan_id", "member_id", "tier", "share_fen", "sponsored_fen", "due_fen", "marker",
                     "status", "collected_fen", "collected_on")  # fmt: skip
ADJUSTMENT_COLUMNS = ("period", "plan_id", "origin_period", "revision", "member_id", "payer_id", "disposition",
                      "delta_fen", "reason", "status", "met_fen", "collected_on")  # fmt: skip
TOTALS = ("share_fen", "sponsored_fen", "due_fen", "collected_fen")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    person = parser.add_mutually_exclusive_group(required=True)
    person.add_argument("--member", type=person_id, metavar="M", help="the member")
    person.add_argument("--payer", type=person_id, metavar="N", help="the payer: all members he pays for (with --year)")
    when = parser.add_mutually_exclusive_group(required=True)
    when.add_argument("--period", metavar="P", help="one settlement period, e.g. 2020-12-P1")
    when.add_argument("--year", type=calendar_year, metavar="Y", help="all periods of a calendar year")
    parser.add_argument("--plan", nargs="+", action="extend", metavar="ID", help="only these plans (default: all)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page for the member as well")


def run(args: argparse.Namespace) -> Outcome:
    """Reads published rows only; writes nothing but the requested page."""
    if args.payer is not None and args.period:
        raise WrongUsage("--payer goes with --year. Nothing was explained. Name a member, or a year.")
    if args.html and not args.html.absolute().parent.is_dir():
        raise WrongUsage(f"--html {args.html}: no such folder. Nothing was explained. Name a file in a folder.")
    if args.year:
        request: Request = request_of(args)
        person = ("member_id", args.member) if args.member is not None else ("payer_id", args.payer)
        outcome = carry_out_query(Statement(*person, args.year, _plans_of(args, request)), request)
    else:
        request = period_request_of(args)
        outcome = carry_out_query(MemberPeriod(args.member), request)
    if args.html:
        page = (statement_page if args.year else explanation_page)(outcome.document, request)
        try:
            args.html.write_text(render(page), encoding="utf-8")
        except OSError as error:
            raise WrongUsage(f"--html {args.html}: cannot be written ({error.strerror}). Name another file.") from error
    return outcome


class MemberPeriod(Query):
    """The explanation of a member's due in a period, plan by plan and step by step."""

    purpose = "explain"

    def __init__(self, member_id: int):
        self.member_id = member_id

    def read(self, request: PeriodRequest, lake: Lake) -> dict:
        books = _books(request, lake)
        settled = books.plans_of(request.period)
        requested = {p: act for p, act in settled.items() if request.plan_ids is None or p in request.plan_ids}
        if not requested:
            raise Refused(
                f"Period {request.period}: {', '.join(request.plan_ids)} is not published; {', '.join(settled)} is. "
                "Nothing was explained. Name another plan, or settle it first with `fentan settle --period "
                f"{request.period} --plan {' '.join(request.plan_ids)}`."
            )
        announce("reading the member's rows")
        facts = plans_to_explain(books.member_facts(request, requested, self.member_id))
        explained = [explain(plan) for plan in facts]
        document = {"member_id": self.member_id, "period": str(request.period), "plans": explained}
        if not explained:
            document["because"] = EXPLAIN["no_membership"].en
        return {**document, "files_read": books.files_read}

    def show(self, request: PeriodRequest, answer: dict) -> Outcome:
        broken = [plan for plan in answer["plans"] if not plan["follows"]]
        exit_code = IntegrityBroken.exit_code if broken else 0
        gone = {
            plan["source_gone"]: f"{plan['source_gone']} {REMEDY}" for plan in answer["plans"] if plan["source_gone"]
        }
        return Outcome(answer, _text(answer), exit_code, (*gone.values(), *map(_broken_message, broken)))


class Statement(Query):
    """The year of a member (`id_column` member_id), or of all members a payer pays for (payer_id)."""

    purpose = "explain"

    def __init__(self, id_column: str, number: int, year: int, plan_ids: tuple[str, ...]):
        self.id_column, self.number, self.year, self.plan_ids = id_column, number, year, plan_ids

    def read(self, request: Request, lake: Lake) -> dict:
        books = _books(request, lake)
        announce("reading the rows of the year")
        rows = books.year(self.year, self.id_column, self.number)
        rows = [{name: row[name] for name in STATEMENT_COLUMNS} for row in rows if row["plan_id"] in self.plan_ids]
        totals = {name: sum(row[name] or 0 for row in rows) for name in TOTALS}
        adjustments = [
            {name: row[name] for name in ADJUSTMENT_COLUMNS}
            for row in books.year_adjustments(self.year, self.id_column, self.number)
            if row["plan_id"] in self.plan_ids
        ]
        totals["adjustment_fen"] = sum(row["delta_fen"] for row in adjustments if row["disposition"] in BILLED)
        document = {
            self.id_column: self.number, "year": self.year, "rows": rows, "adjustments": adjustments, "totals": totals,
            "files_read": books.files_read,
        }  # fmt: skip
        if not rows and not adjustments:
            document["because"] = f"Nothing was shared: no published period of {self.year} covered them. " + (
                "`fentan explain --period` says why, period by period." if self.id_column == "member_id" else ""
            )
        return document

    def show(self, request: Request, answer: dict) -> Outcome:
        return Outcome(answer, _statement(answer))


def _plans_of(args: argparse.Namespace, request: Request) -> tuple[str, ...]:
    """The plans named on the command line, else all of the platform; raises WrongUsage for an unknown plan."""
    known = sorted(request.platform.plans)
    unknown = sorted(set(args.plan or ()) - set(known))
    if unknown:
        raise WrongUsage(
            f"--plan {unknown[0]}: {request.platform.platform_id} has no such plan; it has {', '.join(known)}. "
            "Nothing was done."
        )
    return tuple(args.plan or known)


def _broken_message(plan: dict) -> str:
    """The steps that do not follow from the rules, and what to do next. The member is only named in the explanation."""
    steps = " ".join(step["says"] for step in plan["steps"] if step["name"] == DOES_NOT_FOLLOW)
    return (
        f"Plan {plan['plan_id']}, period {plan['period']}: the stored rows do not follow from the sources and the "
        f"rules. {steps} Nothing was changed. Do not collect on it; send this message to the lake's operator: the "
        "history of the table named (DESCRIBE HISTORY) shows which run wrote it, and whether it was changed since."
    )


def _books(request: Request, lake: Lake) -> PublishedRows:
    announce("reading publications")
    return PublishedRows(request, lake.small)


def _text(document: dict) -> str:
    blocks = [f"Member {document['member_id']}, period {document['period']}"]
    blocks += [document["because"]] if "because" in document else []
    for plan in document["plans"]:
        lines = [f"{plan['plan_id']}: {plan['because']}"]
        for step in plan["steps"]:
            amount = "" if step["amount_fen"] is None else f"{yuan(step['amount_fen']):>20}"
            lines.append(f"  {step['name']:<16}{amount:>20}  {step['says']}")
            if step["rule"]:
                rule = step["rule"]
                lines.append(
                    f"  {'':<36}  rule {rule['name']} = {rule['value']} since {rule['from']}: {rule['reference']}"
                )
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _statement(document: dict) -> str:
    """The statement, and the adjustments if there are any."""
    parts = [_shares_of_year(document)] if document["rows"] or not document["adjustments"] else []
    rows = [
        [row["period"], row["plan_id"], str(row["member_id"]), row["origin_period"], row["disposition"],
         yuan(row["delta_fen"]), row["status"] or "-"]
        for row in document["adjustments"]
    ]  # fmt: skip
    columns = ["period", "plan", "member", "corrected", "disposition", "difference", "status"]
    return "\n\n".join([*parts, *([table_text("Corrections of closed periods (yuan)", columns, rows)] if rows else [])])


def _shares_of_year(document: dict) -> str:
    rows = [
        [row["period"], row["plan_id"], str(row["member_id"]), yuan(row["share_fen"]), yuan(row["sponsored_fen"]),
         yuan(row["due_fen"]), row["status"] or "not collected yet", yuan(row["collected_fen"] or 0)]
        for row in document["rows"]
    ]  # fmt: skip
    totals = document["totals"]
    charged = [yuan(totals[name]) for name in ("share_fen", "sponsored_fen", "due_fen")]
    total_row = ["total", "", "", *charged, "", yuan(totals["collected_fen"])]
    if not rows:
        return f"Statement of {document['year']}\n\n{document['because']}"
    columns = ["period", "plan", "member", "share", "platform bears", "due", "status", "collected"]
    return table_text(f"Statement of {document['year']} (yuan)", columns, [*rows, total_row])
