"""Approvals: whose approval counts, for which digest, and what is refused without one. No Spark."""

from datetime import date
from types import SimpleNamespace

import pytest

from jobs.base.environment import load_environment
from jobs.base.errors import Refused
from jobs.cli import main
from jobs.lake.small import SmallTables
from jobs.register.approvals import approvers, record_approvals, same_person
from jobs.register.runs import Run, is_published
from jobs.spark.digest import plan_digest
from jobs.works.approvals import check_approved
from jobs.works.approve import Approve, PinnedApproval
from tests.confs import write_conf

PERIOD, PLAN, OTHER = "2020-12-P1", "critical_illness", "senior_cancer"
DIGESTS = {PLAN: "a" * 64, OTHER: "b" * 64}


@pytest.fixture
def small(tmp_path):
    return SmallTables(str(tmp_path / "lake"))


@pytest.fixture
def request_with(tmp_path, small):
    """A request under a conf that requires `required` approvals; Li Wei settles."""

    def made(required, settled_by="Li Wei"):
        conf = write_conf(tmp_path / "conf.toml", approval={"required": required, "settled_by": settled_by})
        environment = load_environment(str(conf))
        return SimpleNamespace(environment=environment, period=PERIOD, lake_root=small.root, as_of=date(2020, 12, 7))

    return made


def approve(small, name, digests=None, run_id="approve-1"):
    record_approvals(small, PERIOD, digests or DIGESTS, name, run_id)


def refusal(small, request, digests=None):
    with pytest.raises(Refused) as refused:
        check_approved(small, request, digests or DIGESTS)
    return str(refused.value)


def test_without_a_requirement_no_approval_is_needed(small, request_with):
    check_approved(small, request_with(0), DIGESTS)


def test_each_plan_needs_its_own_digest_approved(small, request_with):
    message = refusal(small, request_with(1))
    assert "Nothing was published" in message and PLAN in message and OTHER in message
    assert f"`fentan approve --lake {small.root} --period {PERIOD} --digest {'a' * 64} {'b' * 64} --by NAME`" in message
    approve(small, "Wang Fang", {PLAN: DIGESTS[PLAN]})
    message = refusal(small, request_with(1))
    assert PLAN not in message and OTHER in message
    approve(small, "Wang Fang")
    check_approved(small, request_with(1), DIGESTS)
    assert DIGESTS[PLAN] in refusal(small, request_with(1), {PLAN: DIGESTS[OTHER], OTHER: DIGESTS[PLAN]})


def test_two_approvals_need_two_people_other_than_the_settling_one(small, request_with):
    for name in ("Wang Fang", "wang  fang", "ＷＡＮＧ Fang", "LI WEI"):
        approve(small, name)
    assert "Wang Fang approved it" in refusal(small, request_with(2))
    assert "LI WEI" not in refusal(small, request_with(2))
    check_approved(small, request_with(2, settled_by="Zhao Min"), DIGESTS)
    approve(small, "Chen Jie")
    check_approved(small, request_with(2), DIGESTS)


def test_an_approval_that_exists_is_not_written_again(small):
    approve(small, "Wang Fang")
    approve(small, "WANG FANG", run_id="approve-2")
    assert {row["run_id"] for row in small.rows("control/approvals")} == {"approve-1"}
    assert approvers(small, PERIOD, DIGESTS) == {PLAN: ["Wang Fang"], OTHER: ["Wang Fang"]}
    assert approvers(small, "2020-12-P2", DIGESTS) == {PLAN: [], OTHER: []}


def test_a_killed_approval_is_recognised_by_its_commit_message(small):
    approve(small, "Wang Fang")
    row = {"job": "approve", "period": PERIOD, "run_id": "approve-1"}
    assert is_published(small, row) and not is_published(small, {**row, "run_id": "approve-2"})


def test_same_person():
    assert same_person("Li Wei", " li  WEI") and not same_person("Li Wei", "Li Weiwei")


@pytest.mark.parametrize("words", [
    ("--digest", "a", "--by", " "), ("--digest", "", "--by", "x"), ("--digest", "a"), ("--by", "x"),
])  # fmt: skip
def test_an_approval_without_a_name_or_digest_is_wrong_usage(tmp_path, words):
    with pytest.raises(SystemExit) as stop:
        main(["approve", "--lake", str(tmp_path), "--period", PERIOD, *words])
    assert stop.value.code == 2


@pytest.fixture
def work(small, request_with):
    """Li Wei's conf requires one approval; `made(digests, name)` gives the work, pinned inputs, result and digests."""
    result = SimpleNamespace(digests={PLAN: {"settled/pools": {"rows": 1}}, OTHER: {"settled/pools": {"rows": 2}}})
    computed = {p: plan_digest(tables) for p, tables in result.digests.items()}

    def made(plans, name):
        run = Run("settle", "xianghubao", PERIOD, (PLAN, OTHER), {"source/members": 3}, {}, {})
        settlement = SimpleNamespace(lake=SimpleNamespace(small=small), request=request_with(1), run=run)
        digests = tuple(computed.get(p, p) for p in plans)
        return Approve(digests, name), PinnedApproval(settlement, digests, name), result, computed

    return made


def test_an_approval_covers_the_plans_whose_digests_are_named(small, work):
    approving, pinned, result, computed = work([PLAN], "Wang Fang")
    approving.consent(pinned, result, computed)
    approving.publish(pinned, computed)
    (row,) = small.rows("control/approvals")
    assert (row["plan_id"], row["digest"], row["run_id"]) == (PLAN, computed[PLAN], pinned.run.run_id)
    assert is_published(small, {"job": "approve", "period": PERIOD, "run_id": pinned.run.run_id})
    outcome = approving.show(pinned, None, result, ())
    assert outcome.document["plans"] == {PLAN: {"digest": computed[PLAN], "approvers": ["Wang Fang"]}}
    assert outcome.messages == () and work([PLAN], "li wei")[0].show(pinned, None, result, ()).messages


def test_another_person_or_digest_gives_another_run_id(work):
    ids = {work(plans, name)[1].run.run_id for plans in ([PLAN], [OTHER]) for name in ("Wang Fang", "Chen Jie")}
    assert len(ids) == 4 and all(run_id.startswith(f"approve-{PERIOD}-") for run_id in ids)


def test_one_digest_that_differs_from_the_preview_refuses_all(small, work):
    approving, pinned, result, computed = work([PLAN, "0" * 64], "Wang Fang")
    with pytest.raises(Refused, match="`fentan preview --period 2020-12-P1`") as refused:
        approving.consent(pinned, result, computed)
    assert "0" * 64 in str(refused.value) and computed[PLAN] in str(refused.value)
