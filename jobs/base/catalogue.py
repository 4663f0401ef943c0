"""Texts in Chinese and English, kept in TOML files that a translator edits without reading Python.

Babel and Fluent choose one language at run time and bring plural rules and number formats. Here every page shows both
languages next to each other, so there is no locale to switch, and jobs/money formats all numbers before they enter a
text. So a catalogue is plain pairs, `KEY.zh` and `KEY.en`: TOML rather than YAML, because every text is quoted, a
repeated key is an error, and a catalogue loads in a millisecond.
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any, NamedTuple


class CatalogueError(Exception):
    """A catalogue is incomplete, or code uses a key that it does not have."""


class Text(NamedTuple):
    """The same text in Chinese and in English."""

    zh: str
    en: str

    def format(self, **values) -> "Text":
        """The text with its {placeholders} filled in; a value may itself be a Text."""
        return Text(*(getattr(self, language).format(**_in_language(values, language)) for language in self._fields))


class Catalogue:
    """The texts of one file: `CATALOGUE["key"]`, or a named group of them."""

    def __init__(self, file: str, texts: Mapping[str, Any]):
        self.file, self.texts = file, texts

    def __getitem__(self, key: str) -> Text:
        text = self.texts.get(key)
        if not isinstance(text, Text):
            raise CatalogueError(f"{self.file}: there is no text {key}")
        return text

    def group(self, name: str, keys: Iterable[str] | None = None) -> dict[str, Text]:
        """The texts of a group, in the order of `keys` or, without them, of the file.

        Raises CatalogueError unless the group has exactly the `keys`.
        """
        texts = self.texts.get(name)
        if texts is None or isinstance(texts, Text):
            raise CatalogueError(f"{self.file}: there is no group {name}")
        order = list(texts if keys is None else keys)
        if texts.keys() != set(order):
            different = ", ".join(sorted(texts.keys() ^ set(order)))
            raise CatalogueError(f"{self.file}: group {name} does not match the code: {different}")
        return {key: texts[key] for key in order}


@cache
def catalogue(package: str, subject: str) -> Catalogue:
    """The catalogue texts/SUBJECT.toml of a package; raises CatalogueError for a text that lacks a language."""
    file = f"{package.replace('.', '/')}/texts/{subject}.toml"
    document = tomllib.loads(files(package).joinpath("texts").joinpath(f"{subject}.toml").read_text(encoding="utf-8"))
    return Catalogue(file, {key: _entry(entry, file, key) for key, entry in document.items()})


def _entry(entry: Mapping, file: str, key: str) -> Text | dict[str, Text]:
    """A text, or a group of texts."""
    if not isinstance(entry, dict):
        raise CatalogueError(f"{file}: {key} must be a pair of zh and en")
    if set(entry) & set(Text._fields):
        return _text(entry, file, key)
    return {name: _text(pair, file, f"{key}.{name}") for name, pair in entry.items()}


def _text(pair: Mapping, file: str, key: str) -> Text:
    if not isinstance(pair, dict) or set(pair) != set(Text._fields) or not all(pair.values()):
        raise CatalogueError(f"{file}: {key} must have exactly zh and en, both with a text")
    text = Text(**pair)
    if placeholders(text.zh) != placeholders(text.en):
        raise CatalogueError(f"{file}: {key} has different placeholders in zh and en")
    return text


def placeholders(sentence: str) -> list[str]:
    """The names in braces, sorted, as often as they occur."""
    return sorted(name for _, name, _, _ in Formatter().parse(sentence) if name is not None)


def _in_language(values: Mapping, language: str) -> dict:
    return {name: getattr(value, language) if isinstance(value, Text) else value for name, value in values.items()}
