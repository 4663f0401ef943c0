"""Lake names that are not ASCII, in locales that are not UTF-8 (as under cron)."""

import json
import os
import subprocess
import sys

import pytest

from jobs.base.errors import WrongUsage
from jobs.lake.java import _java_variables, check_names
from jobs.lake.small import SmallTables
from jobs.pipeline.request import _check_name
from jobs.register.lake_record import record_lake


class Jvm:
    """A gateway to a Java with this encoding of file names."""

    def __init__(self, encoding: str):
        self.jvm = self.java = self.lang = self.System = self
        self.getProperty = {"sun.jnu.encoding": encoding}.get


@pytest.mark.parametrize("variables", [
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "no_SUCH.ISO-8859-1", "PYTHONUTF8": "0"},
])  # fmt: skip
def test_a_lake_with_a_chinese_name_is_read_in_any_locale(tmp_path, variables):
    lake = tmp_path / "湖"
    record_lake(SmallTables(str(lake)), "xianghubao", "run-1")
    words = [sys.executable, "-m", "jobs.cli", "conform", "--lake", str(lake), "--json"]
    ended = subprocess.run(words, env=os.environ | variables, capture_output=True, encoding="utf-8")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["tables"]["control/lake"]["state"] == "conforms"


def test_java_starts_in_a_locale_of_utf_8(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    with _java_variables():
        assert os.environ["LC_ALL"].upper().replace("-", "").endswith("UTF8")
    assert os.environ["LC_ALL"] == "C"


def test_a_java_that_cannot_encode_the_name_is_refused():
    for encoding, lake in (("UTF-8", "/湖"), ("ANSI_X3.4-1968", "/lake"), ("ANSI_X3.4-1968", "hdfs://head/湖")):
        check_names(Jvm(encoding), lake)
    with pytest.raises(WrongUsage, match="LC_ALL"):
        check_names(Jvm("ANSI_X3.4-1968"), "/湖")


def test_an_undecodable_or_garbled_name_is_refused(monkeypatch):
    with pytest.raises(WrongUsage, match=r"Lake /\\xba\\xfe: the name is not in UTF-8"):
        _check_name(os.fsdecode(b"/\xba\xfe"))
    _check_name("/lake?")
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    _check_name("/湖")
    with pytest.raises(WrongUsage, match="LC_ALL=C.UTF-8"):
        _check_name("/???")
