"""Sentences of an explanation with their values filled in; tests/unit/test_catalogue.py compares the languages."""

from jobs.explaining.words import say, why_not


def test_a_reason_is_a_complete_sentence():
    assert why_not("lapsed", {"lapsed_on": "2020-12-26"}) == {
        "en": "Not charged, because cover lapsed for arrears on 2020-12-26 at 00:00.",
        "zh": "未分摊：因欠费，保障于2020-12-26零时失效。",
    }
    assert say("fee", ppm=80_000)["zh"] == "管理费，为互助金的百万分之80000，另计。"
