"""The environment a command runs in: Spark settings, ceilings, lock lease. No rule lives here."""

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jobs.errors import WrongUsage

KEYS = {
    "platform": str, "platforms": str, "few_rows_most": int, "spark": dict, "storage": dict, "quality": dict,
    "lock": dict, "log": dict,
}  # fmt: skip
QUALITY_KEYS = {
    "quarantine_ceiling_members_ppm": int,
    "quarantine_ceiling_claims_ppm": int,
    "quarantine_ceiling_receipts_ppm": int,
    "lapse_ceiling_ppm": int,
    "quarantine_ceiling_floor_rows": int,
}
LOCK_KEYS = {"lease_seconds": int}
LOG_KEYS = {"format": str, "level": str}
LOG_VALUES = {"format": ("text", "json"), "level": ("debug", "info", "warning", "error")}
# A conf written before it could name the last two goes on with what the shipped local.toml says of them.
OPTIONAL_KEYS = (
    "platforms", "few_rows_most", "spark", "storage", "quarantine_ceiling_receipts_ppm", "lapse_ceiling_ppm", "log",
    "format", "level",
)  # fmt: skip
FEW_ROWS_MOST = 200_000
NAMES = {str: "a text", int: "a whole number", dict: "a section"}


@dataclass(frozen=True)
class Environment:
    """What an environment conf says. `platforms` None: the shipped folder of platforms.

    `few_rows_most`: up to so many rows a lake is read with settings that plan quickly; `storage`: delta-rs' options for
    the lake's storage.
    """

    platform: str
    platforms: Path | None
    quarantine_ceiling_members_ppm: int
    quarantine_ceiling_claims_ppm: int
    quarantine_ceiling_floor_rows: int
    lock_lease_seconds: int
    few_rows_most: int = FEW_ROWS_MOST
    spark: dict[str, str] = field(default_factory=dict)
    storage: dict[str, str] = field(default_factory=dict)
    quarantine_ceiling_receipts_ppm: int = 200_000
    lapse_ceiling_ppm: int = 500_000
    log_format: str = "text"
    log_level: str = "info"


def load_environment(path: str | None) -> Environment:
    """Reads an environment conf, the shipped local.toml where no path is given; raises WrongUsage with file and key."""
    source = Path(path) if path else files("conf").joinpath("local.toml")
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongUsage(
            f"--conf {source}: cannot be read ({error}). Nothing was done. Correct the file or its path."
        ) from error
    _check(source, "", document, KEYS)
    _check(source, "quality.", document["quality"], QUALITY_KEYS)
    _check(source, "lock.", document["lock"], LOCK_KEYS)
    log = document.get("log", {})
    _check_log(source, log)
    platforms = document.get("platforms")
    return Environment(
        platform=document["platform"],
        platforms=_platforms(Path(path or "."), platforms) if platforms else None,
        lock_lease_seconds=document["lock"]["lease_seconds"],
        few_rows_most=document.get("few_rows_most", FEW_ROWS_MOST),
        spark=_spark(source, document.get("spark", {})),
        storage=_texts(source, "storage", document.get("storage", {})),
        log_format=log.get("format", "text"),
        log_level=log.get("level", "info"),
        **document["quality"],
    )


def _check_log(source: Path | Traversable, log: dict) -> None:
    _check(source, "log.", log, LOG_KEYS)
    for key, value in log.items():
        if value not in LOG_VALUES[key]:
            raise WrongUsage(
                f"--conf {source}: key log.{key} is {value}; it must be one of {', '.join(LOG_VALUES[key])}. "
                "Nothing was done. Correct the file."
            )


def _platforms(conf: Path, folder: str) -> Path:
    found = conf.parent / folder
    if not found.is_dir():
        raise WrongUsage(
            f"--conf {conf}: key platforms: there is no folder {found}. Nothing was done. Correct the path."
        )
    return found


def _spark(source: Path | Traversable, section: dict) -> dict[str, str]:
    """The [spark] section; a setting may be quoted as one key, or dotted as TOML allows."""
    settings = _texts(source, "spark", section)
    for key in settings:
        if key != "master" and not key.startswith("spark."):
            raise WrongUsage(
                f"--conf {source}: key spark.{key} is not known; known are master and the settings of Spark, "
                'e.g. "spark.sql.shuffle.partitions". Nothing was done.'
            )
    return settings


def _texts(source: Path | Traversable, name: str, section: dict) -> dict[str, str]:
    """The settings of a section, which all are texts; a dotted key is one key."""
    settings = dict(_flat("", section))
    for key, value in settings.items():
        if type(value) is not str:
            raise WrongUsage(
                f'--conf {source}: key {name}.{key} must be a text, in quotes: "{value}". Nothing was done.'
            )
    return settings


def _flat(prefix: str, section: dict):
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield prefix + key, value


def _check(source: Path | Traversable, prefix: str, section: dict, known: dict[str, type]) -> None:
    for key, value in section.items():
        if key not in known:
            raise WrongUsage(
                f"--conf {source}: key {prefix}{key} is not known; known are {', '.join(sorted(known))}. "
                "Nothing was done."
            )
        if type(value) is not known[key]:
            raise WrongUsage(f"--conf {source}: key {prefix}{key} must be {NAMES[known[key]]}. Nothing was done.")
        if known[key] is int and value < (1 if known is LOCK_KEYS else 0):
            raise WrongUsage(f"--conf {source}: key {prefix}{key} is {value}, which is too small. Nothing was done.")
    for key in known:
        if key not in section and key not in OPTIONAL_KEYS:
            raise WrongUsage(
                f"--conf {source}: key {prefix}{key} is missing. Nothing was done. The shipped local.toml has all keys."
            )
