"""The sentences of an explanation in Chinese and English, from texts/sentences.toml."""

from collections.abc import Mapping

from jobs.base.catalogue import catalogue

SENTENCES = catalogue("jobs.explaining", "sentences")
WHY_NOT = SENTENCES.group("why_not")
WHY_CORRECTED = SENTENCES.group("why_corrected", ("not_covered", "newly_covered", "tier", "share"))
DISPOSITIONS = SENTENCES.group(
    "disposition", ("asked", "refunded", "asked_less", "refunded_less", "written_off", "pooled")
)


def say(key: str, **values) -> dict[str, str]:
    """The sentence with its values in both languages: `zh`, `en`."""
    return SENTENCES[key].format(**values)._asdict()


def why_not(cover: str, values: Mapping, key: str = "not charged") -> dict[str, str]:
    """The whole sentence, in both languages, on why a member is not charged or, with `key` "not to be charged", should
    not be charged. `cover`: a key of WHY_NOT."""
    return say(key, why=WHY_NOT[cover].format(**values))
