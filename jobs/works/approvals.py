"""Whether a settlement has the approvals that the environment conf requires."""

import shlex
from collections.abc import Mapping

from jobs.base.errors import Refused
from jobs.lake.small import SmallTables
from jobs.pipeline.request import PeriodRequest
from jobs.register.approvals import approvers, same_person


def check_approved(small: SmallTables, request: PeriodRequest, digests: Mapping[str, str]) -> None:
    """Raises Refused unless enough different people other than `settled_by` approved the digest of every plan."""
    required = request.environment.approvals_required
    if not required:
        return
    counted = counted_approvers(small, request, digests)
    missing = {p: names for p, names in counted.items() if len(names) < required}
    if missing:
        texts = [
            f"{p} {digests[p]} ({', '.join(names) if names else 'no one'} approved it)"
            for p, names in sorted(missing.items())
        ]
        raise Refused(
            f"Period {request.period}: the conf requires {required} approvals by other people than "
            f"{request.environment.settled_by}, who settles; they are missing for {'; '.join(texts)}. Nothing was "
            f"published. `fentan preview --period {request.period}` shows it; approve it with "
            f"{approve_command(request, {p: digests[p] for p in missing})}, then settle again."
        )


def counted_approvers(small: SmallTables, request: PeriodRequest, digests: Mapping[str, str]) -> dict[str, list[str]]:
    """By plan, the people other than `settled_by` who approved its digest."""
    settled_by = request.environment.settled_by
    names = approvers(small, str(request.period), digests)
    return {p: [name for name in of_plan if not same_person(name, settled_by)] for p, of_plan in names.items()}


def approve_command(request: PeriodRequest, digests: Mapping[str, str]) -> str:
    """The command that approves these digests."""
    listed = " ".join(sorted(set(digests.values())))
    return (
        f"`fentan approve --lake {shlex.quote(request.lake_root)} --period {request.period} --digest {listed} "
        "--by NAME`"
    )
