"""The plain-Python oracle and the Spark settlement agree, to the fen and to every reason, period after period."""

import pytest

from tests.oracle import History, settle
from tests.worlds import small_world

FIRST, LAST = "2019-12-P2", "2020-01-P2"
RATE_KEYS = ("plan_id", "tier", "covered_count", "weight_ppm", "share_fen", "share_aid_fen", "share_fee_fen", "billed_fen")
POOL_KEYS = (
    "plan_id", "case_count", "benefit_fen", "fee_fen", "brought_forward_fen", "case_sponsored_fen", "pool_fen",
    "covered_count", "billed_fen", "member_sponsored_fen", "due_fen", "carried_forward_fen", "rounding",
)  # fmt: skip
ASSESSMENT_KEYS = ("plan_id", "member_id", "payer_id", "tier", "share_fen", "sponsored_fen", "due_fen", "marker")
BENEFIT_KEYS = (
    "plan_id", "claim_id", "member_id", "illness_code", "severity", "age_band", "approved_aid_fen", "benefit_fen",
    "sponsored_fen", "counted", "marker",
)  # fmt: skip
BILL_KEYS = ("plan_id", "payer_id", "member_count", "due_fen")
FEE_KEYS = ("plan_id", "accrued_fen", "sponsored_fen", "received_fen", "outstanding_fen", "written_off_fen", "result_fen")
COMPARED = {
    "settled/pools": ("pool", POOL_KEYS),
    "settled/rates": ("rates", RATE_KEYS),
    "settled/benefits": ("benefits", BENEFIT_KEYS),
    "settled/assessments": ("assessments", ASSESSMENT_KEYS),
    "settled/bills": ("bills", BILL_KEYS),
    "ledger/fee": ("fee", FEE_KEYS),
}


def picked(rows, keys):
    return sorted((tuple(row[key] for key in keys) for row in rows), key=str)


NO_CEILING = """
platform = "xianghubao"
[quality]
quarantine_ceiling_members_ppm = 1000000
quarantine_ceiling_claims_ppm = 1000000
quarantine_ceiling_floor_rows = 0
[lock]
lease_seconds = 120
"""


@pytest.mark.parametrize("seed", [1])
def test_the_oracle_agrees_over_the_periods_of_a_small_world(lake, xianghubao, tmp_path, seed):
    conf = tmp_path / "no_ceiling.toml"
    conf.write_text(NO_CEILING)
    world = small_world(xianghubao, seed, FIRST, LAST)
    lake.load(world.members, world.claims)
    history = History()
    calendar = xianghubao.calendar
    for period in calendar.between(calendar.period(FIRST), calendar.period(LAST)):
        ended = lake.settle(str(period), "--conf", str(conf))
        expected = settle(world, str(period), history)
        history = history.after(expected)
        assert ended.exit_code == (3 if expected.refused else 0), ended.err
        for table, (attribute, keys) in COMPARED.items():
            found = picked(lake.rows(table, str(period)), keys)
            assert found == picked(expected.rows(attribute), keys), f"{table}, {period}"
