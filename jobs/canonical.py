"""One text for one value: what a digest is taken of must not depend on Python, on names in the code or on an order.

Dates are written YYYY-MM-DD, keys are sorted, nothing is spaced, other letters than ASCII are escaped. A value of any
other kind, a float before all, is a TypeError.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any


def canonical_json(value: Any) -> str:
    """The canonical JSON of a value made of mappings, sequences, texts, whole numbers, dates, booleans and None."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"))


def canonical_digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def plain(value: Any) -> Any:
    """The value as JSON knows it; raises TypeError for what has no canonical form."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    raise TypeError(f"a {type(value).__name__} has no canonical form")
