"""The environment a command runs in: Spark settings, ceilings, lock lease. It holds no rule."""

import getpass
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, WithJsonSchema

from jobs.base.errors import WrongUsage
from jobs.base.strict import WORDS, Strict, first_fault, refusal

FEW_ROWS_MOST = 200_000
MOST = 2**31 - 1
LOG_VALUES = {"format": ("text", "json"), "level": ("debug", "info", "warning", "error")}
WORDS_OF_TOML = WORDS | {
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "greater_than_equal": "is {input}, which is too small",
    "model_type": "must be a section",
}


@dataclass(frozen=True)
class Environment:
    """The values of an environment conf. `platforms` None: the shipped folder of platforms.

    `few_rows_most`: a lake of at most so many rows is read with settings that plan quickly. `native`: whether larger
    ones are computed and written by the native engine, if it is installed. `storage`: the options of
    delta-rs for the lake's storage. `approvals_required`: how many people other than `settled_by`, the operator,
    approve a settlement before it is published.
    """

    platform: str
    platforms: Path | None
    quarantine_ceiling_members_ppm: int
    quarantine_ceiling_claims_ppm: int
    quarantine_ceiling_floor_rows: int
    lock_lease_seconds: int
    few_rows_most: int = FEW_ROWS_MOST
    native: bool = True
    spark: dict[str, str] = field(default_factory=dict)
    storage: dict[str, str] = field(default_factory=dict)
    quarantine_ceiling_receipts_ppm: int = 200_000
    lapse_ceiling_ppm: int = 500_000
    log_format: str = "text"
    log_level: str = "info"
    approvals_required: int = 0
    settled_by: str = ""


def _flat(section: Any) -> dict[str, Any]:
    """The settings of a section; a dotted key is one key."""
    if not isinstance(section, dict):
        raise refusal("must be a section")
    settings: dict[str, Any] = {}
    for key, value in _settings("", section):
        if key in settings:
            raise refusal(f"gives {key} twice, quoted and dotted")
        settings[key] = value
    return settings


def _settings(prefix: str, section: dict) -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _settings(f"{prefix}{key}.", value)
        else:
            yield prefix + key, value


def _quoted(value: Any) -> Any:
    if type(value) is not str:
        raise refusal(f'must be a text, in quotes: "{value}"')
    return value


def _setting_of_spark(key: str) -> str:
    if key != "master" and not key.startswith("spark."):
        raise refusal('is not known; known are master and the settings of Spark, e.g. "spark.sql.shuffle.partitions"')
    return key


WholeNumber = Annotated[int, Field(ge=0, le=MOST)]
Setting = Annotated[str, BeforeValidator(_quoted)]
SECTION_OF_TEXTS = WithJsonSchema({"type": "object"})


class Quality(Strict):
    """The ceilings of the quality gate and of lapses, in ppm of the rows. A ceiling left out is that of local.toml."""

    quarantine_ceiling_members_ppm: WholeNumber
    quarantine_ceiling_claims_ppm: WholeNumber
    quarantine_ceiling_receipts_ppm: WholeNumber = Environment.quarantine_ceiling_receipts_ppm
    lapse_ceiling_ppm: WholeNumber = Environment.lapse_ceiling_ppm
    quarantine_ceiling_floor_rows: WholeNumber


def _one_of(key: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in LOG_VALUES[key]:
            raise refusal(f"is {value}; it must be one of {', '.join(LOG_VALUES[key])}")
        return value

    return AfterValidator(check)


class Log(Strict):
    """Format and level of what a command prints to standard error."""

    format: Annotated[str, _one_of("format"), WithJsonSchema({"enum": list(LOG_VALUES["format"])})] = "text"
    level: Annotated[str, _one_of("level"), WithJsonSchema({"enum": list(LOG_VALUES["level"])})] = "info"


def _named(name: str) -> str:
    if not name.strip():
        raise refusal("is empty; write a name, or leave it out")
    return " ".join(name.split())


class Approval(Strict):
    """Approvals: how many different people, none of them `settled_by`, must approve a digest before it is settled.

    `settled_by`: who runs the commands; left out: FENTAN_BY, otherwise the system's user name.
    """

    required: Annotated[WholeNumber, Field(le=2)] = 0
    settled_by: Annotated[str, AfterValidator(_named)] | None = None


class Lock(Strict):
    """The lock of a lake: after so many seconds without a renewal it is free."""

    lease_seconds: Annotated[WholeNumber, Field(ge=1)]


class EnvironmentDocument(Strict):
    """An environment conf. `platforms`: a folder of platforms, relative to the file; left out: the shipped one."""

    platform: str
    platforms: str | None = None
    few_rows_most: WholeNumber = FEW_ROWS_MOST
    native: bool = True
    spark: Annotated[
        dict[Annotated[str, AfterValidator(_setting_of_spark)], Setting], BeforeValidator(_flat), SECTION_OF_TEXTS
    ] = {}
    storage: Annotated[dict[str, Setting], BeforeValidator(_flat), SECTION_OF_TEXTS] = {}
    quality: Quality
    lock: Lock
    log: Log = Log()
    approval: Approval = Approval()


def load_environment(path: str | None) -> Environment:
    """Reads an environment conf, the shipped local.toml where no path is given; raises WrongUsage with file and key."""
    source = Path(path) if path else files("conf").joinpath("local.toml")
    try:
        conf = EnvironmentDocument.model_validate(_toml(source))
    except ValidationError as error:
        key, what = first_fault(error, EnvironmentDocument, WORDS_OF_TOML)
        remedy = "The shipped local.toml has all keys." if what == WORDS["missing"] else ""
        raise _fault(source, key, what, remedy) from error
    return Environment(
        platform=conf.platform,
        platforms=_platforms(Path(path or "."), conf.platforms) if conf.platforms else None,
        lock_lease_seconds=conf.lock.lease_seconds,
        few_rows_most=conf.few_rows_most,
        native=conf.native,
        spark=conf.spark,
        storage=conf.storage,
        log_format=conf.log.format,
        log_level=conf.log.level,
        approvals_required=conf.approval.required,
        settled_by=conf.approval.settled_by or operator(),
        **dict(conf.quality),
    )


def operator() -> str:
    """The name in FENTAN_BY, otherwise the system's user name. It is not authenticated."""
    named = " ".join(os.environ.get("FENTAN_BY", "").split())
    try:
        return named or getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in some containers
        return f"uid {os.getuid()}"


def _toml(source: Path | Traversable) -> dict[str, Any]:
    try:
        return tomllib.loads(source.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # also wrong encodings, TOML and numbers of many digits
        raise WrongUsage(
            f"--conf {source}: cannot be read ({error}). Nothing was done. Correct the file or its path."
        ) from error


def _platforms(conf: Path, name: str) -> Path:
    folder = conf.parent / name
    try:
        if folder.is_dir():
            return folder
    except OSError as error:
        raise _fault(conf, "platforms", f"cannot be read ({error.strerror}): {folder}", "Correct the path.") from error
    raise _fault(conf, "platforms", f"there is no folder {folder}", "Correct the path.")


def _fault(source: Path | Traversable, key: str, what: str, remedy: str) -> WrongUsage:
    return WrongUsage(f"--conf {source}: key {key} {what}. Nothing was done. {remedy}".strip())
