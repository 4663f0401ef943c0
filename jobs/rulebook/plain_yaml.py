"""Reads the part of YAML that rules are written in: mappings, lists, texts, whole numbers, dates, true, false, null."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from jobs.base.strict import Fault

WORDS = {"": None, "~": None} | {
    spelling: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelling in (word, word.title(), word.upper())
}
WHOLE_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:.*")
FRACTION = re.compile(
    r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
OTHER_NUMBER = re.compile(r"[-+]?0[xob]?[0-9a-fA-F_]+")
LONGEST_NUMBER = 40  # characters; the models refuse what is too large for its key


def read_yaml(entry: Traversable | Path, file: str) -> dict[str | date, Any]:
    """The mapping in a YAML file; raises Fault with `file` and the key of what cannot be read, or is not plain.

    Files of the same name and text share one mapping: do not change it.
    """
    try:
        if not entry.is_file():
            raise Fault(file, "file", "is a folder" if entry.is_dir() else "there is no such file")
        content = entry.read_bytes()
    except OSError as error:
        raise Fault(file, "file", f"cannot be read ({type(error).__name__})") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Fault(file, "file", f"cannot be read: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    return _mapping_of(text, file)


@cache
def _mapping_of(text: str, file: str) -> dict[str | date, Any]:
    """A process that runs several commands reads all rules for each; parsing them takes a fifth of a second."""
    with _faults_of_yaml(file), closing(_yaml().parse(text)) as events:
        document = _Reader(file, events).document()
    if not isinstance(document, dict):
        raise Fault(file, "file", "must hold keys and values")
    return document


@cache
def _yaml() -> YAML:
    """One for all files: to make one takes as long as to read a small file."""
    return YAML(typ="safe", pure=True)


@contextmanager
def _faults_of_yaml(file: str) -> Iterator[None]:
    try:
        yield
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None)
        raise Fault(
            file, f"line {mark.line + 1}" if mark else "file", f"is not YAML{f' ({problem})' if problem else ''}"
        ) from error
    except RecursionError as error:
        raise Fault(file, "file", "is nested too deeply") from error


class _Reader:
    """One pass over the events of a YAML text. Keys in messages are paths such as `values.2018-10-16.value`."""

    def __init__(self, file: str, events: Iterator[Event]):
        self.file, self.events = file, events

    def document(self) -> Any:
        """The only document of the text; None of an empty text."""
        document, started = None, False
        while not isinstance(event := next(self.events), StreamEndEvent):
            if isinstance(event, DocumentStartEvent):
                if started:
                    raise self.fault(event, "", "starts a second document; a file holds one")
                document, started = self.value(next(self.events), ""), True
        return document

    def value(self, event: Event, key: str) -> Any:
        """The value that starts with the event."""
        if isinstance(event, AliasEvent) or event.anchor is not None:
            raise self.fault(event, key, "uses an anchor or alias (& or *); write the value itself")
        if getattr(event, "tag", None) is not None:
            raise self.fault(event, key, f"has the tag {event.tag}; write the value without a tag")
        if isinstance(event, MappingStartEvent):
            return self.mapping(key)
        if isinstance(event, SequenceStartEvent):
            return self.sequence(key)
        return self.scalar(event, key)

    def mapping(self, key: str) -> dict:
        """The mapping up to its end; each key once."""
        mapping: dict = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            name = self.value(event, key) if isinstance(event, ScalarEvent | AliasEvent) else None
            if type(name) not in (str, date) or name == "":
                raise self.fault(event, key, "has a key that is neither a text nor a date; put it in quotes")
            at = f"{key}.{name}" if key else str(name)
            if name in mapping:
                raise self.fault(event, at, "given twice")
            mapping[name] = self.value(next(self.events), at)
        return mapping

    def sequence(self, key: str) -> list:
        """The list up to its end."""
        items: list = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self.value(event, f"{key}.{len(items)}" if key else str(len(items))))
        return items

    def scalar(self, event: ScalarEvent, key: str) -> str | int | bool | date | None:
        """A text in quotes as it is; another word, number or date by its spelling."""
        word = event.value
        if event.style is not None:
            return word
        if word in WORDS:
            return WORDS[word]
        if WHOLE_NUMBER.fullmatch(word) and len(word) <= LONGEST_NUMBER:
            return int(word.replace("_", ""))
        if DATE.fullmatch(word):
            try:
                return date.fromisoformat(word)
            except ValueError as error:
                raise self.fault(event, key, f"{word} is not a day of the calendar") from error
        if what := _refused_spelling(word):
            raise self.fault(event, key, what)
        return word

    def fault(self, event: Event, key: str, what: str) -> Fault:
        """The fault at an event, by its key; by its line where it has none."""
        return Fault(self.file, key or f"line {event.start_mark.line + 1}", what)


def _refused_spelling(word: str) -> str | None:
    """Why a plain word is refused that YAML reads as a number or a time of day; None where it is a text."""
    if WHOLE_NUMBER.fullmatch(word):
        return f"is a number of {len(word)} digits, which is too large"
    if OTHER_NUMBER.fullmatch(word):
        return f"is {word}; write a whole number in digits 0 to 9 without a leading 0, or a text in quotes"
    if FRACTION.fullmatch(word):
        return f"is {word}, a fraction; write whole numbers (fen, ppm, days, years)"
    if TIME.fullmatch(word):
        return f"is {word}, a time of day; write a date like 2020-12-07, or a text in quotes"
    return None
