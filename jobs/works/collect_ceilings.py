"""Where a collection stops: too many receipts are held, or too many memberships would lapse."""

from collections.abc import Mapping
from dataclasses import replace

from jobs.collection.allocation import LAPSED
from jobs.collection.lapse_ceiling import LapseCount, lapse_ceiling_breach
from jobs.errors import GateStopped
from jobs.gate.receipts import held_above_ceiling
from jobs.register.runs import settings_of
from jobs.works.collect_pinning import PinnedCollection
from jobs.works.collection_sums import CollectionSums

ACCEPTED_LAPSES = "accepted_lapses"  # in the settings of a run


def with_ceilings(inputs: PinnedCollection, accepted_lapses: int | None) -> PinnedCollection:
    """The inputs with the ceilings and the consent in the run's settings. A consent given to the collection in force
    holds for those that follow it.

    `accepted_lapses`: up to how many lapses in all the operator consents to; None: he says nothing.
    """
    in_force = [
        settings_of(inputs.lake.small, inputs.collected[p].run_id) for p in inputs.plan_ids if p in inputs.collected
    ]
    consents = [accepted_lapses, *(settings.get(ACCEPTED_LAPSES) for settings in in_force)]
    given = max((count for count in consents if count is not None), default=None)
    environment = inputs.request.environment
    ceilings = {
        "receipts_ppm": environment.quarantine_ceiling_receipts_ppm,
        "lapses_ppm": environment.lapse_ceiling_ppm,
        "floor_rows": environment.quarantine_ceiling_floor_rows,
    }
    settings = inputs.run.settings | {"ceilings": ceilings} | ({} if given is None else {ACCEPTED_LAPSES: given})
    return replace(inputs, run=replace(inputs.run, settings=settings))


def too_many_held_count(inputs: PinnedCollection) -> int:
    """How many more receipts the gate holds than the ceiling of the conf lets pass."""
    environment = inputs.request.environment
    floor_rows, ceiling_ppm = environment.quarantine_ceiling_floor_rows, environment.quarantine_ceiling_receipts_ppm
    return held_above_ceiling(inputs.gate, ceiling_ppm, floor_rows)


def stop_if_too_many_are_held(inputs: PinnedCollection) -> None:
    """Raises GateStopped where the receipts as a whole are at fault."""
    gate, too_many_held = inputs.gate, too_many_held_count(inputs)
    if not too_many_held:
        return
    rules = ", ".join(f"{rule} {count:,}" for rule, count in sorted(gate.broken.items()) if count)
    raise GateStopped(
        f"Period {inputs.run.period}: {gate.held_count:,} of {gate.payment_count:,} receipts would be held ({rules}), "
        f"{too_many_held:,} more than the conf's quarantine_ceiling_receipts_ppm lets pass. Nothing was published. "
        "Mend source/receipts and collect again."
    )


def stop_if_too_many_lapse(inputs: PinnedCollection, sums: Mapping[str, CollectionSums]) -> None:
    """Raises GateStopped where a final collection would end more memberships than anybody consented to.

    `sums`: of the collection as written, by plan.
    """
    if not inputs.days.is_final:
        return
    environment, period = inputs.request.environment, inputs.run.period
    lapsing = LapseCount(
        {p: of_plan.count_by_status.get(LAPSED, 0) for p, of_plan in sums.items()},
        {p: of_plan.owing_count for p, of_plan in sums.items()},
        inputs.gate.collected_count > 0,
    )
    floor_rows, accepted = environment.quarantine_ceiling_floor_rows, inputs.run.settings.get(ACCEPTED_LAPSES)
    why = lapse_ceiling_breach(lapsing, environment.lapse_ceiling_ppm, floor_rows, accepted)
    if why is not None:
        raise GateStopped(
            f"Period {period}: {why}. Nothing was published. Load the receipts that are missing and collect again; "
            f"where so many did not pay, consent: `fentan collect --period {period} --as-of {inputs.days.as_of} "
            f"--accept-lapses {lapsing.lapsing_total}`."
        )
