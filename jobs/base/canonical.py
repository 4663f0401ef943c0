"""Canonical JSON: equal values always give the same text, so that digests stay valid across versions of the code.

Dates are written YYYY-MM-DD, keys are sorted, there are no spaces, and characters outside ASCII are escaped. Values of
any other type, floats included, raise TypeError.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any


def canonical_json(value: Any) -> str:
    """The canonical JSON of a value made of mappings, lists, tuples, strings, integers, dates, booleans and None."""
    return json.dumps(json_value(value), sort_keys=True, separators=(",", ":"))


def canonical_digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def json_value(value: Any) -> Any:
    """The value in types that JSON has; raises TypeError for a type without a canonical form."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): json_value(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(part) for part in value]
    raise TypeError(f"a {type(value).__name__} has no canonical form")
