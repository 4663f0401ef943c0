"""A collection as a document for programs and as tables for people."""

from collections import Counter
from collections.abc import Mapping

from jobs.pipeline.amounts import table_text, yuan
from jobs.pipeline.outcome import Outcome
from jobs.spark.digest import plan_digest
from jobs.works.collect_pinning import PinnedCollection
from jobs.works.collect_writing import CollectionResult


def document_of(pinned: PinnedCollection, result: CollectionResult, held: Mapping[str, tuple[int, int]]) -> dict:
    """A collection as a document. `held`: unapplied cash by reason, as count of receipts and fen."""
    sums = result.sums
    return {
        "period": pinned.run.period,
        "state": "collected",
        "as_of": str(pinned.days.as_of),
        "is_final": pinned.days.is_final,
        "run_id": pinned.run.run_id,
        "receipts": {
            "rows": pinned.gate.row_count,
            "money_fen": pinned.gate.money_fen,
            "held": dict(Counter(pinned.gate.broken) + Counter({reason: count for reason, (count, _) in held.items()})),
            "without_share_fen": sum(sum(plan_sums.collected.suspense_fen.values()) for plan_sums in sums.values()),
        },
        "plans": {
            p: {
                "digest": plan_digest(result.digests[p]),
                "members": dict(sums[p].count_by_status),
                "due_fen": sum(sums[p].due_fen.values()),
                "collected_fen": sum(sums[p].collected_by_status_fen.values()),
                "fee": result.fees[p],
            }
            for p in pinned.plan_ids
        },
    }


def text_of(document: dict) -> str:
    """The document as tables."""
    statuses = ("collected", "waived", "netted", "in_grace", "lapsed")
    members = [
        [p, *(plan["members"].get(s, 0) for s in statuses), yuan(plan["due_fen"]), yuan(plan["collected_fen"])]
        for p, plan in document["plans"].items()
    ]
    parts = ("accrued", "received", "sponsored", "outstanding", "written_off")
    fees = [[p, *(yuan(plan["fee"][f"{part}_fen"]) for part in parts)] for p, plan in document["plans"].items()]
    held = "".join(f"\n  {reason}: {count:,}" for reason, count in sorted(document["receipts"]["held"].items()))
    return "\n\n".join(
        [
            f"Period {document['period']}, as of {document['as_of']} "
            f"({'final' if document['is_final'] else 'in grace'}): "
            f"{document['receipts']['rows']:,} receipts, {yuan(document['receipts']['money_fen'])} yuan, of which "
            f"{yuan(document['receipts']['without_share_fen'])} are unapplied cash in suspense{held}",
            table_text("Members and money", ["plan", *statuses, "due", "collected (yuan)"], members),
            table_text("Fee (yuan)", ["plan", *(part.replace("_", " ") for part in parts)], fees),
        ]
    )


def nothing_new(pinned: PinnedCollection, run_id: str, messages: tuple[str, ...]) -> Outcome:
    """The outcome if the run `run_id` already collected exactly these receipts."""
    document = {
        "period": pinned.run.period,
        "state": "nothing new",
        "run_id": run_id,
        "plans": {p: {"digest": publication.digest} for p, publication in sorted(pinned.collected.items())},
    }
    return Outcome(document, f"Period {pinned.run.period}: no new receipts; nothing to do", 0, messages)
