"""A YAML file that is unreadable or ambiguous is reported with file and key."""

import os
from datetime import date

import pytest

from jobs.base.errors import WrongUsage
from jobs.rulebook.plain_yaml import read_yaml

PLAIN = """
text: the words # a comment
quoted: "2018-10-16"
number: 80_000
below: -1
day: 2018-10-16
leap_day: 2020-02-29
yes: [true, False, no, null, ~]
nested: {2018-10-16: {value: [a, "0-39"]}}
folded: >-
  two
  lines
"""


def read(tmp_path, content: bytes | str):
    path = tmp_path / "some.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_yaml(path, "plan/some.yaml")


def test_the_type_of_a_plain_value_follows_its_spelling(tmp_path):
    assert read(tmp_path, PLAIN) == {
        "text": "the words",
        "quoted": "2018-10-16",
        "number": 80_000,
        "below": -1,
        "day": date(2018, 10, 16),
        "leap_day": date(2020, 2, 29),
        "yes": [True, False, "no", None, None],
        "nested": {date(2018, 10, 16): {"value": ["a", "0-39"]}},
        "folded": "two lines",
    }


def test_a_byte_order_mark_and_crlf_line_ends_are_accepted(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode()) == read(tmp_path, PLAIN)


FAULTS = {
    "no such day": ("a: {b: 2018-02-30}", "a.b: 2018-02-30 is not a day"),
    "no such day as a key": ("values:\n  2018-13-01: 1", "values: 2018-13-01 is not a day"),
    "year 0": ("a: 0000-01-01", "a: 0000-01-01 is not a day"),
    "time of day": ("a: 2018-10-16 10:00:00", "a: is 2018-10-16 10:00:00, a time of day"),
    "time of day, T": ("a: 2018-10-16T10:00:00Z", "a: is 2018-10-16T10:00:00Z, a time of day"),
    "fraction": ("a: [1, 0.08]", "a.1: is 0.08, a fraction"),
    "exponent": ("a: 1e3", "a: is 1e3, a fraction"),
    "exponent with a point": ("a: 1.5E+3", "a: is 1.5E+3, a fraction"),
    "infinity": ("a: -.inf", "a: is -.inf, a fraction"),
    "not a number": ("a: .nan", "a: is .nan, a fraction"),
    "fraction as a key": ("a: {0.5: x}", "a: is 0.5, a fraction"),
    "hexadecimal": ("a: 0x10", "a: is 0x10; write a whole number in digits"),
    "hexadecimal without digits": ("a: 0x_", "a: is 0x_; write a whole number in digits"),
    "octal": ("a: 0o17", "a: is 0o17; write a whole number in digits"),
    "leading zero": ("a: 010", "a: is 010; write a whole number in digits"),
    "number of 5,000 digits": ("a: " + "9" * 5_000, "a: is a number of 5000 digits, which is too large"),
    "key twice": ("a: {b: 1, c: 2, b: 3}", "a.b: given twice"),
    "day twice": ("values:\n  2018-10-16: 1\n  2018-10-16: 2", "values.2018-10-16: given twice"),
    "number as a key": ("a: {1: x}", "a: has a key that is neither a text nor a date"),
    "true as a key": ("a: {true: x}", "a: has a key that is neither a text nor a date"),
    "null as a key": ("a: {~: x}", "a: has a key that is neither a text nor a date"),
    "empty key": ("a: {'': x}", "a: has a key that is neither a text nor a date"),
    "list as a key": ("a: {[1]: x}", "a: has a key that is neither a text nor a date"),
    "anchor": ("a: &x 1\nb: 2", "a: uses an anchor or alias"),
    "alias": ("a: 1\nb: *x", "b: uses an anchor or alias"),
    "anchor of a key": ("&x a: 1", "line 1: uses an anchor or alias"),
    "merge": ("a: &x {b: 1}\nc:\n  <<: *x", "a: uses an anchor or alias"),
    "tag": ("a: !!set {b}", "a: has the tag"),
    "tag of Python": ("a: !!python/name:os.system x", "a: has the tag"),
    "tag of a text": ("a: !!str 5", "a: has the tag"),
    "two documents": ("a: 1\n---\nb: 2", "starts a second document"),
    "empty": ("", "file: must hold keys and values"),
    "only comments": ("# nothing\n", "file: must hold keys and values"),
    "a list": ("- a", "file: must hold keys and values"),
    "a word": ("a", "file: must hold keys and values"),
    "a tab": ("a:\n\tb: 1", "line 2: is not YAML"),
    "an open quote": ("a: 'b\nc: 1", "is not YAML"),
    "a control character": ("a: b\x07", "file: is not YAML"),
    "a NUL": ("a: b\0", "file: is not YAML"),
    "nested 5,000 times": ("a: " + "[" * 5_000 + "]" * 5_000, "file: is nested too deeply"),
    "another encoding": ("a: 相互宝".encode("gb18030"), "file: cannot be read: byte 3 is not UTF-8"),
    "UTF-16": ("a: b".encode("utf-16"), "file: cannot be read: byte 0 is not UTF-8"),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_is_not_plain_is_reported_with_file_and_key(tmp_path, content, message):
    with pytest.raises(WrongUsage) as stop:
        read(tmp_path, content)
    assert "plan/some.yaml: " in str(stop.value)
    assert message in str(stop.value)
    assert "Nothing was done" in str(stop.value)
    assert read(tmp_path, "a: 1") == {"a": 1}  # a fault does not affect the next file


def a_folder(path):
    path.mkdir()


def a_link_to_nothing(path):
    path.symlink_to("nowhere")


def a_link_to_itself(path):
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (a_folder, "is a folder"),
        (os.mkfifo, "there is no such file"),
        (a_link_to_nothing, "there is no such file"),
        (a_link_to_itself, "there is no such file"),
    ],
)
def test_a_path_that_is_no_file_is_reported_without_waiting(tmp_path, make, message):
    make(tmp_path / "some.yaml")
    with pytest.raises(WrongUsage, match=f"plan/some.yaml: file: {message}"):
        read_yaml(tmp_path / "some.yaml", "plan/some.yaml")
