"""Approvals on real tables: only the approved digest is settled."""

import pytest

from tests.confs import write_conf
from tests.lakes import PERIOD, claim, member

PLAN = "critical_illness"


@pytest.fixture
def ten(lake, tmp_path):
    """Ten members and a case, and a conf that requires two approvals besides Li Wei, who settles."""
    lake.load([member(i) for i in range(1, 11)], [claim(1, 7, approved_aid_fen=90)])
    conf = write_conf(tmp_path / "conf.toml", approval={"required": 2, "settled_by": "Li Wei"})
    return lake, ("--conf", str(conf))


def approve(lake, digest, name, *words):
    return lake.run("approve", "--period", PERIOD, "--digest", digest, "--by", name, *words)


def test_settle_publishes_only_the_digest_that_two_other_people_approved(ten):
    lake, conf = ten
    preview = lake.run("preview", "--period", PERIOD, *conf)
    assert preview.exit_code == 0, preview.err
    digest = preview.document["plans"][PLAN]["digest"]
    assert preview.document["approvals"] == {"required": 2, "plans": {PLAN: []}}
    refused = lake.settle(PERIOD, *conf)
    assert refused.exit_code == 4 and "`fentan approve" in refused.err and digest in refused.err
    assert not lake.exists("control/publications")
    for name in ("Wang Fang", "Li Wei", "Chen Jie"):
        assert lake.settle(PERIOD, *conf).exit_code == 4
        approved = approve(lake, digest, name, *conf)
        assert approved.exit_code == 0, approved.err
    assert approved.document["plans"][PLAN]["approvers"] == ["Wang Fang", "Chen Jie"]
    settled = lake.settle(PERIOD, *conf)
    assert settled.exit_code == 0, settled.err
    assert settled.document["plans"][PLAN]["digest"] == digest
    (row,) = [row for row in lake.rows("control/runs") if row["job"] == "settle" and row["state"] == "published"]
    assert '"settled_by": "Li Wei"' in row["settings"]
    refused = approve(lake, digest, "Zhao Min", *conf)
    assert refused.exit_code == 4 and "already settled" in refused.err and "`fentan withdraw" in refused.err


def test_a_digest_that_differs_from_the_current_preview_is_refused(ten):
    lake, conf = ten
    digest = lake.run("preview", "--period", PERIOD).document["plans"][PLAN]["digest"]
    assert approve(lake, digest, "Wang Fang").exit_code == 0
    assert approve(lake, digest, "Wang Fang").exit_code == 0, "a second time"
    assert len(lake.rows("control/approvals")) == 1
    lake.write("source/members", [member(11)], mode="append")
    for wrong in (digest, "0" * 64):
        refused = approve(lake, wrong, "Chen Jie", *conf)
        assert refused.exit_code == 4 and "`fentan preview" in refused.err
    assert len(lake.rows("control/approvals")) == 1
    assert not lake.exists("settled/pools"), "an approval computes and writes no rows"
