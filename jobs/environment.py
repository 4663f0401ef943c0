"""The environment a command runs in: Spark settings, ceilings, lock lease. No rule lives here."""

import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from jobs.errors import WrongUsage

KEYS = {
    "platform": str,
    "platforms": str,
    "spark": dict,
    "quality": dict,
    "lock": dict,
}
QUALITY_KEYS = ("quarantine_ceiling_members_ppm", "quarantine_ceiling_claims_ppm", "quarantine_ceiling_floor_rows")


@dataclass(frozen=True)
class Environment:
    """What an environment conf says. `platforms` None: the shipped folder of platforms."""

    platform: str
    platforms: Path | None
    quarantine_ceiling_members_ppm: int
    quarantine_ceiling_claims_ppm: int
    quarantine_ceiling_floor_rows: int
    lock_lease_seconds: int
    spark: dict[str, str] = field(default_factory=dict)


def load_environment(path: str | None) -> Environment:
    """Reads an environment conf, the shipped local.toml where no path is given; raises WrongUsage with file and key."""
    source = Path(path) if path else files("conf").joinpath("local.toml")
    try:
        document = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WrongUsage(f"--conf {source}: cannot be read ({error}). Nothing was done. Correct the file or its path.") from error
    _check(source, "", document, KEYS)
    quality, lock, spark = (document.get(section, {}) for section in ("quality", "lock", "spark"))
    _check(source, "quality.", quality, dict.fromkeys(QUALITY_KEYS, int))
    _check(source, "lock.", lock, {"lease_seconds": int})
    _check(source, "spark.", spark, dict.fromkeys(spark, str))
    for key, section in [("platform", document), *((key, quality) for key in QUALITY_KEYS), ("lease_seconds", lock)]:
        if key not in section:
            raise WrongUsage(f"--conf {source}: key {key} is missing. Nothing was done. See conf/local.toml for all keys.")
    platforms = document.get("platforms")
    return Environment(
        platform=document["platform"],
        platforms=Path(str(source)).parent / platforms if platforms else None,
        lock_lease_seconds=lock["lease_seconds"],
        spark=spark,
        **quality,
    )


def _check(source, prefix: str, section: dict, known: dict[str, type]) -> None:
    for key, value in section.items():
        if key not in known:
            raise WrongUsage(
                f"--conf {source}: key {prefix}{key} is not known; known are {', '.join(sorted(known))}. Nothing was done."
            )
        if type(value) is not known[key]:
            raise WrongUsage(f"--conf {source}: key {prefix}{key} must be a {known[key].__name__}. Nothing was done.")
