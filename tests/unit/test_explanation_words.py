"""Every sentence of an explanation says the same in both languages: the same values, in the right script."""

import re
from string import Formatter

import pytest

from jobs.explaining.words import SENTENCES, WHY_NOT, say, why_not


def values_of(sentence: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(sentence) if name)


@pytest.mark.parametrize("english, chinese", [*SENTENCES.values(), *WHY_NOT.values()])
def test_both_languages_tell_the_same_values(english, chinese):
    assert values_of(english) == values_of(chinese)
    assert re.search("[一-鿿]", chinese) and not re.search("[一-鿿]", english)


def test_a_reason_is_a_whole_sentence():
    assert why_not("lapsed", {"lapsed_on": "2020-12-26"}) == {
        "en": "Not charged, because cover lapsed for arrears on 2020-12-26 at 00:00.",
        "zh": "未分摊：因欠费，保障于2020-12-26零时失效。",
    }
    assert say("fee", ppm=80_000)["zh"] == "管理费，为互助金的百万分之80000，另计。"
