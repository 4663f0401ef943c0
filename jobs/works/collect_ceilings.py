"""Ceilings of a collection: it stops if too many receipts are held, or too many memberships would lapse."""

from collections.abc import Mapping
from dataclasses import replace

from jobs.base.errors import GateStopped
from jobs.collection.lapse_ceiling import LapseCount, lapse_ceiling_breach
from jobs.collection.set_off_and_lapse import LAPSED
from jobs.gate.receipts import held_above_ceiling
from jobs.register.runs import settings_of
from jobs.works.collect_pinning import PinnedCollection
from jobs.works.collection_sums import CollectionSums

ACCEPTED_LAPSES = "accepted_lapses"  # in the settings of a run


def with_ceilings(pinned: PinnedCollection, accepted_lapses: int | None) -> PinnedCollection:
    """The inputs with the ceilings and the operator's consent in the run's settings.

    `accepted_lapses`: the number of lapses the operator consents to now, or None. A consent to the collection in force
    remains valid for later ones.
    """
    small = pinned.lake.small
    in_force = [settings_of(small, pinned.collected[p].run_id) for p in pinned.plan_ids if p in pinned.collected]
    consents = [accepted_lapses, *(settings.get(ACCEPTED_LAPSES) for settings in in_force)]
    consent = max((count for count in consents if count is not None), default=None)
    environment = pinned.request.environment
    ceilings = {
        "receipts_ppm": environment.quarantine_ceiling_receipts_ppm,
        "lapses_ppm": environment.lapse_ceiling_ppm,
        "floor_rows": environment.quarantine_ceiling_floor_rows,
    }
    return replace(
        pinned, stop_settings={"ceilings": ceilings} | ({} if consent is None else {ACCEPTED_LAPSES: consent})
    )


def too_many_held_count(pinned: PinnedCollection) -> int:
    """How many receipts the gate holds above the ceiling of the conf."""
    environment = pinned.request.environment
    floor_rows, ceiling_ppm = environment.quarantine_ceiling_floor_rows, environment.quarantine_ceiling_receipts_ppm
    return held_above_ceiling(pinned.gate, ceiling_ppm, floor_rows)


def stop_if_too_many_are_held(pinned: PinnedCollection) -> None:
    """Raises GateStopped if the gate holds more receipts than the ceiling allows."""
    gate, excess_count = pinned.gate, too_many_held_count(pinned)
    if not excess_count:
        return
    rules = ", ".join(f"{rule} {count:,}" for rule, count in sorted(gate.broken.items()) if count)
    raise GateStopped(
        f"Period {pinned.run.period}: {gate.held_count:,} of {gate.payment_count:,} receipts would be held ({rules}), "
        f"{excess_count:,} more than the conf's quarantine_ceiling_receipts_ppm lets pass. Nothing was published. "
        "Mend source/receipts and collect again."
    )


def stop_if_too_many_lapse(pinned: PinnedCollection, sums: Mapping[str, CollectionSums]) -> None:
    """Raises GateStopped if a final collection would end more memberships than the ceiling or a consent allows.

    `sums`: by plan, of the collection as written.
    """
    if not pinned.days.is_final:
        return
    environment, period = pinned.request.environment, pinned.run.period
    lapsing = LapseCount(
        {p: plan_sums.count_by_status.get(LAPSED, 0) for p, plan_sums in sums.items()},
        {p: plan_sums.owing_count for p, plan_sums in sums.items()},
        pinned.gate.collected_count > 0,
    )
    floor_rows, accepted = environment.quarantine_ceiling_floor_rows, pinned.run.settings.get(ACCEPTED_LAPSES)
    why = lapse_ceiling_breach(lapsing, environment.lapse_ceiling_ppm, floor_rows, accepted)
    if why is not None:
        raise GateStopped(
            f"Period {period}: {why}. Nothing was published. Load the missing receipts and collect again; "
            f"if so many members really did not pay, consent: `fentan collect --period {period} "
            f"--as-of {pinned.days.as_of} --accept-lapses {lapsing.lapsing_total}`."
        )
