"""Environment confs: values of the shipped ones, and refused documents."""

import re

import pytest

from jobs.base.environment import load_environment
from jobs.base.errors import WrongUsage

WHOLE = """
platform = "xianghubao"
[spark]
master = "local[3]"
"spark.sql.shuffle.partitions" = "7"
[quality]
quarantine_ceiling_members_ppm = 1
quarantine_ceiling_claims_ppm = 2
quarantine_ceiling_floor_rows = 3
[lock]
lease_seconds = 4
"""


@pytest.fixture
def conf(tmp_path):
    """Writes a conf file and returns its path."""

    def write(text: str) -> str:
        path = tmp_path / "some.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_without_a_path_the_shipped_local_conf_is_read():
    environment = load_environment(None)
    assert environment.platform == "xianghubao"
    assert environment.platforms is None
    assert environment.spark["master"] == "local[*]"
    assert environment.quarantine_ceiling_members_ppm == 200_000
    assert environment.quarantine_ceiling_claims_ppm == 500_000
    assert environment.quarantine_ceiling_receipts_ppm == 200_000
    assert environment.lapse_ceiling_ppm == 500_000
    assert environment.quarantine_ceiling_floor_rows == 20
    assert environment.lock_lease_seconds == 120


def test_the_cluster_conf_leaves_the_master_to_spark_submit_and_is_stricter():
    environment = load_environment("conf/cluster.toml")
    assert "master" not in environment.spark
    assert environment.quarantine_ceiling_members_ppm == 1_000
    assert environment.quarantine_ceiling_claims_ppm == 50_000
    assert environment.quarantine_ceiling_receipts_ppm == 1_000
    assert environment.lapse_ceiling_ppm == 50_000
    assert environment.quarantine_ceiling_floor_rows == 100


def test_every_key_is_read(conf):
    environment = load_environment(conf(WHOLE))
    assert environment.spark == {"master": "local[3]", "spark.sql.shuffle.partitions": "7"}
    assert (environment.quarantine_ceiling_members_ppm, environment.quarantine_ceiling_claims_ppm) == (1, 2)
    assert (environment.quarantine_ceiling_floor_rows, environment.lock_lease_seconds) == (3, 4)


def test_ceilings_missing_from_a_conf_default_to_those_of_the_local_conf(conf):
    environment, local = load_environment(conf(WHOLE)), load_environment(None)
    assert environment.quarantine_ceiling_receipts_ppm == local.quarantine_ceiling_receipts_ppm
    assert environment.lapse_ceiling_ppm == local.lapse_ceiling_ppm
    later = "[quality]\nquarantine_ceiling_receipts_ppm = 5\nlapse_ceiling_ppm = 6"
    loaded = load_environment(conf(WHOLE.replace("[quality]", later)))
    assert (loaded.quarantine_ceiling_receipts_ppm, loaded.lapse_ceiling_ppm) == (5, 6)


def test_a_conf_may_require_approvals_and_the_operator_has_a_name(conf, monkeypatch):
    monkeypatch.setenv("FENTAN_BY", "  Li \n Wei ")
    environment = load_environment(conf(WHOLE))
    assert (environment.approvals_required, environment.settled_by) == (0, "Li Wei")
    environment = load_environment(conf(WHOLE + '[approval]\nrequired = 2\nsettled_by = "Wang Fang"'))
    assert (environment.approvals_required, environment.settled_by) == (2, "Wang Fang"), "the conf comes first"
    monkeypatch.delenv("FENTAN_BY")
    monkeypatch.setenv("LOGNAME", "operator")
    assert load_environment(conf(WHOLE)).settled_by == "operator"


@pytest.mark.parametrize("approval, fault", [
    ("required = 3", "key approval.required is 3, which is too large; it must be at most 2"),
    ("required = -1", "key approval.required is -1"), ("required = true", "key approval.required"),
    ('settled_by = " "', "key approval.settled_by is empty"), ('by = "x"', "key approval.by is not known"),
])  # fmt: skip
def test_invalid_requirements_of_approvals_are_refused(conf, approval, fault):
    with pytest.raises(WrongUsage, match=re.escape(fault)):
        load_environment(conf(f"{WHOLE}[approval]\n{approval}"))


def test_the_log_is_text_with_progress_unless_the_conf_changes_it(conf):
    environment = load_environment(conf(WHOLE))
    assert (environment.log_format, environment.log_level) == ("text", "info")
    environment = load_environment(conf(WHOLE + '[log]\nformat = "json"\nlevel = "warning"'))
    assert (environment.log_format, environment.log_level) == ("json", "warning")


def test_a_spark_setting_may_be_dotted_or_quoted(conf):
    dotted = WHOLE.replace('"spark.sql.shuffle.partitions"', "spark.sql.shuffle.partitions")
    assert load_environment(conf(dotted)) == load_environment(conf(WHOLE))


def test_a_folder_of_platforms_is_relative_to_the_file(conf, tmp_path):
    (tmp_path / "own").mkdir()
    assert load_environment(conf('platforms = "own"' + WHOLE)).platforms == tmp_path / "own"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (WHOLE.replace("[lock]", "colour = 1\n[lock]"), "quality.colour is not known"),
        ("colour = 1\n" + WHOLE, "key colour is not known"),
        (WHOLE + "more = 1", "lock.more is not known"),
        (WHOLE.replace('"spark.sql', '"shark.sql'), "spark.shark.sql.shuffle.partitions is not known"),
        (WHOLE.replace('"xianghubao"', "1"), "platform must be a text"),
        (WHOLE.replace('"7"', "7"), "spark.spark.sql.shuffle.partitions must be a text"),
        (WHOLE.replace("floor_rows = 3", "floor_rows = 3.0"), "floor_rows must be a whole number"),
        (WHOLE.replace("floor_rows = 3", "floor_rows = true"), "floor_rows must be a whole number"),
        (WHOLE.replace("members_ppm = 1", "members_ppm = -1"), "members_ppm is -1, which is too small"),
        (WHOLE.replace("lease_seconds = 4", "lease_seconds = 0"), "lease_seconds is 0, which is too small"),
        (WHOLE.replace("[lock]\nlease_seconds = 4", ""), "key lock is missing"),
        (WHOLE.replace("lease_seconds = 4", ""), "lock.lease_seconds is missing"),
        (WHOLE.replace('platform = "xianghubao"', ""), "key platform is missing"),
        (WHOLE.replace("quarantine_ceiling_floor_rows = 3", ""), "quality.quarantine_ceiling_floor_rows is missing"),
        ("lock = 1\n" + WHOLE.replace("[lock]\nlease_seconds = 4", ""), "key lock must be a section"),
        (
            "quality = []\n" + WHOLE[: WHOLE.index("[quality]")] + "[lock]\nlease_seconds = 4",
            "key quality must be a section",
        ),
        (
            "spark = 1\n" + WHOLE[: WHOLE.index("[spark]")] + WHOLE[WHOLE.index("[quality]") :],
            "spark must be a section",
        ),
        (
            WHOLE.replace("lease_seconds = 4", f"lease_seconds = {10**20}"),
            "lease_seconds is 100000000000000000000, which",
        ),
        (
            WHOLE.replace("[quality]", 'spark.sql.shuffle.partitions = "8"\n[quality]'),
            "spark.sql.shuffle.partitions twice",
        ),
        (WHOLE.replace('"7"', "[1]"), "spark.spark.sql.shuffle.partitions must be a text"),
        (WHOLE + "lease_seconds = 5", "cannot be read"),
        (WHOLE.replace("lease_seconds = 4", "lease_seconds = " + "4" * 5_000), "cannot be read"),
        (WHOLE.replace("lease_seconds = 4", "lease_seconds = " + "[" * 5_000 + "]" * 5_000), "cannot be read"),
        ('platforms = "nowhere"' + WHOLE, "there is no folder"),
        (WHOLE + '[log]\nformat = "xml"', "log.format is xml; it must be one of text, json"),
        (WHOLE + '[log]\nlevel = "INFO"', "log.level is INFO; it must be one of debug, info, warning, error"),
        (WHOLE + "[log]\ncolour = 1", "log.colour is not known"),
        ('platforms = "some.toml"' + WHOLE, "there is no folder"),
        ('platforms = "no\\u0000where"' + WHOLE, "there is no folder"),
        ('platforms = "' + "far/away" * 600 + '"' + WHOLE, "platforms"),
        ("platform = ", "cannot be read"),
    ],
)
def test_a_fault_is_named_with_its_file_and_key(conf, text, named):
    with pytest.raises(WrongUsage) as stop:
        load_environment(conf(text))
    assert named in str(stop.value)
    assert "some.toml" in str(stop.value)
    assert "Nothing was done" in str(stop.value)


def test_a_byte_order_mark_is_no_fault(conf):
    assert load_environment(conf("\ufeff" + WHOLE)) == load_environment(conf(WHOLE))


def test_a_missing_or_unreadable_conf_is_wrong_usage(tmp_path):
    with pytest.raises(WrongUsage, match="nowhere.toml: cannot be read"):
        load_environment(str(tmp_path / "nowhere.toml"))
    with pytest.raises(WrongUsage, match="cannot be read"):
        load_environment(str(tmp_path))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(WrongUsage, match="bytes.toml: cannot be read"):
        load_environment(str(tmp_path / "bytes.toml"))
