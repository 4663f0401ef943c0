"""How a collection is shown: as a document for programs and as tables for people."""

from collections.abc import Mapping

from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.spark.digest import plan_digest
from jobs.works.collect_pinning import PinnedCollection
from jobs.works.collect_writing import CollectionResult


def document_of(inputs: PinnedCollection, written: CollectionResult, held: Mapping[str, tuple[int, int]]) -> dict:
    """A collection as a document. `held`: of each reason why money met no share, how many receipts and their fen."""
    sums = written.sums
    return {
        "period": inputs.run.period,
        "state": "collected",
        "as_of": str(inputs.days.as_of),
        "is_final": inputs.days.is_final,
        "run_id": inputs.run.run_id,
        "receipts": {
            "rows": inputs.gate.row_count,
            "money_fen": inputs.gate.money_fen,
            "held": {
                **{k: n for k, n in inputs.gate.broken.items() if n},
                **{k: n for k, (n, _) in held.items() if n},
            },
            "without_share_fen": sum(sum(f.collected.suspense_fen.values()) for f in sums.values()),
        },
        "plans": {
            p: {
                "digest": plan_digest(written.digests[p]),
                "members": dict(sums[p].count_by_status),
                "due_fen": sum(sums[p].due_fen.values()),
                "collected_fen": sum(sums[p].collected_by_status_fen.values()),
                "fee": written.fees[p],
            }
            for p in inputs.plan_ids
        },
    }


def text_of(document: dict) -> str:
    """The document as tables."""
    statuses = ("collected", "waived", "netted", "in_grace", "lapsed")
    members = [
        [p, *(plan["members"].get(s, 0) for s in statuses), yuan(plan["due_fen"]), yuan(plan["collected_fen"])]
        for p, plan in document["plans"].items()
    ]
    fees = [
        [
            p,
            *(
                yuan(plan["fee"][f"{part}_fen"])
                for part in ("accrued", "received", "sponsored", "outstanding", "written_off")
            ),
        ]
        for p, plan in document["plans"].items()
    ]
    held = "".join(f"\n  {reason}: {count:,}" for reason, count in sorted(document["receipts"]["held"].items()))
    return "\n\n".join(
        [
            f"Period {document['period']}, as of {document['as_of']} "
            f"({'final' if document['is_final'] else 'in grace'}): "
            f"{document['receipts']['rows']:,} receipts, {yuan(document['receipts']['money_fen'])} yuan, of which "
            f"{yuan(document['receipts']['without_share_fen'])} met no share and are in suspense{held}",
            table_text("Members and money", ["plan", *statuses, "due", "collected (yuan)"], members),
            table_text("Fee (yuan)", ["plan", "accrued", "received", "sponsored", "outstanding", "written off"], fees),
        ]
    )


def nothing_new(inputs: PinnedCollection, run_id: str, messages: tuple[str, ...]) -> Outcome:
    """The outcome where the run collected just these receipts already."""
    document = {
        "period": inputs.run.period,
        "state": "nothing new",
        "run_id": run_id,
        "plans": {p: {"digest": publication.digest} for p, publication in sorted(inputs.collected.items())},
    }
    return Outcome(document, f"Period {inputs.run.period}: no new receipts; nothing to do", 0, messages)
