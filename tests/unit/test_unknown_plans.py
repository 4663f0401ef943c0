"""A lake of another platform: refused if its platform is recorded, stopped if no member is in a known plan."""

from argparse import Namespace

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema

from expectations.suites import judge
from jobs.base.errors import GateStopped, WrongUsage
from jobs.lake.small import SmallTables
from jobs.pipeline.request import new_lake_request_of, request_of
from jobs.register.lake_record import record_lake
from jobs.works.unknown_plans import check_members_of_platform, unknown_plan_messages
from schemas import TABLES
from tests.worlds_rows import member

MEMBERS = TABLES["source/members"]


@pytest.fixture
def small(tmp_path):
    return SmallTables(str(tmp_path))


@pytest.fixture(params=[["plan_id"], None], ids=["partitioned", "not partitioned"])
def load(small, request):
    """Writes source/members from rows, with and without partitions."""

    def write(rows: list[dict]) -> None:
        table = pa.Table.from_pylist(rows, to_arrow_schema(MEMBERS.spark_schema))
        write_deltalake(small.path(MEMBERS.name), table, mode="overwrite", partition_by=request.param)

    return write


def test_members_of_unknown_plans_only_stop_the_run_with_their_count(small, load, xianghubao):
    load([member(n, plan_id="no_such_plan") for n in range(1200)])
    with pytest.raises(GateStopped, match="none of its 1,200 rows belongs to a plan of the platform xianghubao"):
        check_members_of_platform(small, xianghubao, 0)


@pytest.mark.parametrize("rows", [[], [member(1), member(2, plan_id="no_such_plan"), member(3, plan_id=None)]])
def test_one_member_of_a_known_plan_is_enough(small, load, xianghubao, rows):
    load(rows)
    check_members_of_platform(small, xianghubao, 0)


def test_rows_of_unknown_plans_are_reported_with_their_count(xianghubao):
    results = judge("source/members", {"member_plan_unknown": 1200, "member_tier_unknown": 1200}, {}, 20_000)
    (message,) = unknown_plan_messages(results, xianghubao)
    assert message.startswith("source/members: 1,200 rows belong to no plan of the platform xianghubao")
    assert unknown_plan_messages(judge("source/members", {}, {}, 20_000), xianghubao) == ()


@pytest.mark.parametrize("request_for", [request_of, new_lake_request_of], ids=["existing", "new"])
def test_a_lake_accepts_only_its_recorded_platform(small, request_for):
    record_lake(small, "meituan_huzhu", "run-1")
    args = Namespace(lake=small.root, conf=None, platform=None, as_of=None)
    assert request_for(args).platform.platform_id == "meituan_huzhu"
    args.platform = "xianghubao"
    with pytest.raises(WrongUsage, match="belongs to the platform meituan_huzhu, not to xianghubao"):
        request_for(args)
