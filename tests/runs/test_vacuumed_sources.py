"""Source versions vacuumed after a settlement: some commands still work, the others stop with the reason."""

from deltalake import DeltaTable

from tests.collected import collect
from tests.lakes import PERIOD, member, receipt

GONE = "source/members, version 0, which run settle-2020-12-P1-"


def vacuum(lake, name, rows):
    """The owner replaces all rows and vacuums the table."""
    lake.write(name, rows)
    DeltaTable(lake.folder / name).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


def test_only_commands_that_need_a_vacuumed_version_stop(settled):
    same_rows = DeltaTable(settled.folder / "source/members").to_pyarrow_table().to_pylist()
    vacuum(settled, "source/members", same_rows)
    words = ("--member", "4", "--period", PERIOD)
    explained = settled.run("explain", *words)
    assert explained.exit_code == 0 and GONE in explained.err and "backup" in explained.err, explained.err
    (plan,) = explained.document["plans"]
    assert (plan["due_fen"], plan["cover"], plan["follows"]) == (10, "unknown", True) and GONE in plan["source_gone"]
    text = settled.run("explain", *words, as_json=False)
    assert text.exit_code == 0 and "cannot be proved any more" in text.out
    stranger = settled.run("explain", "--member", "99", "--period", PERIOD)
    assert (stranger.exit_code, stranger.document["plans"]) == (0, []), "the log still says that no file had 99"

    for report in (("--period", PERIOD), ("--year", "2020")):
        stopped = settled.run("report", *report)
        assert stopped.exit_code == 3 and GONE in stopped.err and "Restore it" in stopped.err, stopped.err
    assert not settled.exists("report/publicity") and not settled.exists("report/annual")

    again = settled.settle()
    assert (again.exit_code, again.document["state"]) == (0, "already settled"), again.err
    # 1 pays 20 of the 30 fen for three members: which of them are paid depends on their days of joining.
    settled.write("source/receipts", [receipt(1, 1, 20), *(receipt(i, i, 10) for i in range(4, 11))])
    stopped = collect(settled, "2020-12-26")
    assert stopped.exit_code == 3 and GONE in stopped.err, stopped.err
    settled.write("source/receipts", [receipt(1, 1, 30), *(receipt(i, i, 10) for i in range(4, 11))])
    assert collect(settled, "2020-12-26").exit_code == 0, "all shares are paid, so the order does not matter"
    closed = settled.run("close", "--period", PERIOD, "--as-of", "2020-12-26")
    assert closed.exit_code == 0, closed.err


def test_a_report_names_the_claims_that_are_gone(settled):
    vacuum(settled, "source/approved_claims", [])
    stopped = settled.run("report", "--period", PERIOD)
    assert stopped.exit_code == 3 and "source/approved_claims, version 0" in stopped.err, stopped.err
    explained = settled.run("explain", "--member", "4", "--period", PERIOD)
    assert explained.exit_code == 0 and explained.document["plans"][0]["source_gone"] is None, "it reads no claims"
    vacuum(settled, "source/members", [member(1)])
    refused = settled.settle()
    assert refused.exit_code in (3, 4) and "Java" not in refused.err, refused.err
