"""Strict models of documents: every fault of one is reported with its file, its key and what to write instead."""

import re
from collections.abc import Mapping
from datetime import date
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from jobs.base.errors import WrongUsage

MOST = 10**15
WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known; known are {keys}",
    "model_type": "must hold {keys}",
    "string_type": "must be a text that says something",
    "string_too_short": "must be a text that says something",
    "int_type": "must be a whole number of at least 0",
    "greater_than_equal": "must be a whole number of at least 0",
    "greater_than": "must be above 0",
    "less_than_equal": "is {input}, which is too large; it must be at most {le}",
    "bool_type": "must be true or false",
    "date_type": "must be a date like 2020-12-07",
    "dict_type": "must hold keys and values",
    "list_type": "must be a list",
}
DATE_IN_KEY = re.compile(r"datetime\.date\((\d+), (\d+), (\d+)\)")


class Fault(WrongUsage):
    """A fault of the rulebook; exit code 2."""

    def __init__(self, file: str, key: str, what: str):
        super().__init__(f"{file}: {key or 'file'}: {what}. Nothing was done. Correct the file and run again.")


class Strict(BaseModel):
    """A mapping with exactly the keys of its fields; no value is converted to another type."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Document = TypeVar("Document", bound=Strict)
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
WholeNumber = Annotated[int, Field(ge=0, le=MOST)]
Day = date


def refusal(what: str) -> PydanticCustomError:
    """The error that a validator raises: `what` is wrong with the value, in the words of a message."""
    return PydanticCustomError("fault", "{what}", {"what": what})


def must_be(kind: type, what: str) -> BeforeValidator:
    """Refuses a value that is empty or not of this type."""

    def check(value: Any) -> Any:
        if not isinstance(value, kind) or not value:
            raise refusal(what)
        return value

    return BeforeValidator(check)


def validated(
    model: type[Document],
    document: Any,
    file: str,
    context: Mapping[str, Any] | None = None,
    of_any: Any = None,
) -> Document:
    """The document as its model; raises Fault with the first fault.

    `context`: values that validators need. `of_any`: the type of the values that the model leaves open as Any.
    """
    try:
        return model.model_validate(document, context=context)
    except ValidationError as error:
        raise Fault(file, *first_fault(error, model, WORDS, of_any)) from error


def first_fault(
    error: ValidationError, model: type[BaseModel], words: Mapping[str, str], of_any: Any = None
) -> tuple[str, str]:
    """The key and the description of one fault: unknown keys first, since a misspelt key is a missing one as well."""
    order = {"extra_forbidden": 0, "missing": 1}
    first = min(error.errors(include_url=False), key=lambda fault: order.get(fault["type"], 2))
    key = ".".join(_key_part(part) for part in first["loc"] if part != "[key]")
    return key, _described(first, model, words, of_any)


def _described(fault: ErrorDetails, model: type[BaseModel], words: Mapping[str, str], of_any: Any) -> str:
    details = fault.get("ctx", {})
    if fault["type"] == "fault":
        return details["what"]
    if fault["type"] == "literal_error":
        known = details["expected"].replace(" or ", ", ").replace("'", "")
        return f"is {fault['input']!r}; it must be one of {known}"
    if fault["type"] not in words:
        return fault["msg"]
    of_mapping = {"extra_forbidden": fault["loc"][:-1], "model_type": fault["loc"]}
    keys = ", ".join(_keys_at(model, of_mapping[fault["type"]], of_any)) if fault["type"] in of_mapping else ""
    return words[fault["type"]].format(input=fault["input"], keys=keys, **details)


def _key_part(part: int | str) -> str:
    return DATE_IN_KEY.sub(lambda match: date(*map(int, match.groups())).isoformat(), str(part))


def _keys_at(model: Any, loc: tuple[int | str, ...], of_any: Any) -> tuple[str, ...]:
    """The names of the fields of the model at this place of a document."""
    for part in loc:
        model = _model_of(model)
        model = model.model_fields[part].annotation if _is_model(model) else get_args(model)[-1]
        model = of_any if model is Any else model
    return tuple(_model_of(model).model_fields)


def _model_of(annotation: Any) -> Any:
    """The annotation without its metadata and without None."""
    while not _is_model(annotation) and get_origin(annotation) not in (dict, list):
        annotation = next(part for part in get_args(annotation) if part is not NoneType)
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
