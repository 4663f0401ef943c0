"""What members bore earlier in the calendar year, as far as a yearly cap may bind."""

from collections.abc import Mapping

from pyspark.sql import DataFrame

from jobs.lake.history import History
from jobs.settlement.calendar import Period
from jobs.settlement.pool import Sharing
from jobs.settlement.rules import Platform, SharingRules
from jobs.settlement.yearly_cap import may_bind, with_room_by_assessments, without_room


class Year:
    """The periods of the calendar year before the one being settled."""

    def __init__(self, history: History, platform: Platform, period: Period):
        self._history = history
        self._earlier = platform.calendar.earlier_in_year(period)

    def with_room(
        self, covered: DataFrame, sharing: Mapping[str, Sharing], rules: Mapping[str, SharingRules]
    ) -> DataFrame:
        """The covered members with `room_fen` where the cap of their plan may bind."""
        binding = {
            plan_id: rules[plan_id]
            for plan_id in rules
            if rules[plan_id].yearly_cap_fen is not None
            and may_bind(rules[plan_id].yearly_cap_fen, self._dearest_shares_fen(plan_id), sharing[plan_id])
        }
        if not binding:
            return without_room(covered)
        earlier = {p: self._history.rows_of("settled/assessments", p, self._earlier) for p in binding}
        return with_room_by_assessments(covered, {p: f for p, f in earlier.items() if f is not None}, binding)

    def _dearest_shares_fen(self, plan_id: str) -> list[int]:
        rates = self._history.rows_of("settled/rates", plan_id, self._earlier)
        if rates is None:
            return []
        dearest: dict[str, int] = {}
        for row in rates.collect():
            # Under exact rounding share_fen is the lower of the two shares.
            highest_fen = row.share_fen + (1 if row.billed_fen > row.share_fen * row.covered_count else 0)
            dearest[row.period] = max(dearest.get(row.period, 0), highest_fen)
        return list(dearest.values())
