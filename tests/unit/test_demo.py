"""The demo: the commands it runs, the one screen it shows, and that a complete world is never generated again."""

from argparse import Namespace
from types import SimpleNamespace

import pytest

from jobs.base.errors import WrongUsage
from jobs.commands.demo import COMPLETE, FIRST, LAST, MARKER, _clear, _generate, _prepare_folder, _schedule
from jobs.commands.demo_shown import text_of
from jobs.lake.small import SmallTables
from jobs.lake.storage import LOCK_FILE
from jobs.rulebook import load_platform
from jobs.sample.population import steady_member_id

PLANS = ("critical_illness", "senior_cancer")
STEPS = {
    "benefits": 345_678_900, "fee": 27_654_312, "brought forward": -812_345, "per-case cap": -153_456_789,
    "pool": 219_064_078, "share": 229,
}  # fmt: skip
SAYS = "219,064,078 x 1000000 / 960,123,456,789, rounded by ceil_fen."


def screen() -> dict:
    """The document of a demo of a million members in its widest form: two plans with two tiers each."""
    plan_periods = [{"period": period, "plan_id": plan_id} for period in (FIRST, LAST) for plan_id in PLANS]
    return {
        "lake": "./lake", "next": "2020-12-P2", "periods": [FIRST, LAST], "pages": [],
        "shares": [
            {**row, "tier": tier, "covered_count": 960_123, "share_fen": 1_229, "share_aid_fen": 1_138,
             "share_fee_fen": 91, "uncapped_fen": 2_388, "published_fen": 2_050 if tier == "standard" else None}
            for row in plan_periods for tier in ("basic", "standard")
        ],
        "pools": [
            {**row, "case_count": 23, "covered_count": 960_123, "pool_fen": 219_064_078, "benefit_fen": 345_678_900,
             "fee_fen": 27_654_312, "case_sponsored_fen": 153_456_789, "due_fen": 219_876_543}
            for row in plan_periods
        ],
        "collections": [
            {**row, "collected_fen": 215_432_198, "lapsed_count": 19_203, "arrears_fen": 4_444_345,
             "fee_received_fen": 12_654_312, "fee_result_fen": -12_345_678}
            for row in plan_periods
        ],
        "balances": [
            {"period": LAST, "plan_id": plan_id, "cash": -123_456_789, "pool": -812_345, "fee_income": -12_654_312,
             "bad_debt": 4_444_345}
            for plan_id in PLANS
        ],
        "member": {
            "member_id": 20_000_000_003, "period": LAST,
            "plans": [{
                "plan_id": PLANS[0], "because": "share 1,229 fen, sponsored by the platform 0 fen, due 1,229 fen",
                "steps": [{"name": name, "amount_fen": fen, "says": SAYS} for name, fen in STEPS.items()],
            }],
        },
    }  # fmt: skip


def test_the_results_fit_one_screen():
    lines = text_of(screen()).splitlines()
    assert len(lines) <= 40, len(lines)
    assert max(map(len, lines)) <= 100, max(lines, key=len)


@pytest.mark.parametrize("shown", [
    "12.29", "23.88", "20.50", "3,456,789.00", "1,534,567.89", "2,154,321.98", "19,203", "44,443.45", "-123,456.78",
    "Member 20000000003", SAYS, "./lake/report/html/index.html", "--period 2020-12-P2",
])  # fmt: skip
def test_the_screen_has_every_section(shown):
    assert shown in text_of(screen())


def test_two_periods_are_run_to_their_close():
    calendar = load_platform("xianghubao").calendar
    planned = _schedule(calendar, calendar.period(FIRST), calendar.period(LAST))
    assert [(str(event.day), event.title) for event in planned] == [
        ("2020-11-21", "settle 2020-11-P2"),
        ("2020-12-07", "settle 2020-12-P1"),
        ("2020-12-12", "collect 2020-11-P2"),
        ("2020-12-12", "close 2020-11-P2"),
        ("2020-12-26", "collect 2020-12-P1"),
        ("2020-12-26", "close 2020-12-P1"),
    ]


def test_the_explained_member_is_that_of_the_readme():
    assert steady_member_id(load_platform("xianghubao"), "critical_illness") == 20_000_000_003


def test_a_complete_world_is_not_generated_again(tmp_path):
    """The lake of this test cannot start Spark: generating a world would fail."""
    _prepare_folder(tmp_path)
    (tmp_path / MARKER).write_text(COMPLETE)
    (tmp_path / "source").mkdir()
    lake = Namespace(small=SmallTables(str(tmp_path)))
    request = SimpleNamespace(environment=SimpleNamespace(lock_lease_seconds=60))
    _prepare_folder(tmp_path)
    _generate(lake, request, tmp_path, 20, (FIRST, LAST))
    assert (tmp_path / "source").exists()


def test_remains_of_an_interrupted_demo_are_deleted_except_the_lock(tmp_path):
    _prepare_folder(tmp_path)
    lock = tmp_path / LOCK_FILE
    for table in ("source/members", "settled/pools", "control/runs"):
        (tmp_path / table).mkdir(parents=True)
    lock.write_text("{}")
    _clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [MARKER, "control"]
    assert list(lock.parent.iterdir()) == [lock]


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(WrongUsage, match="the demo did not make"):
        _prepare_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
