"""Object stores: delta-rs' options for a lake's address, the same access for Spark, and why a store refused."""

import os
import re
from collections.abc import Mapping

from jobs.base.errors import WrongUsage

# Users write s3://; Hadoop uses another scheme for S3.
SPARK_SCHEMES = {"s3": "s3a"}
S3 = ("s3", "s3a")
SCHEMES = (*S3, "abfs", "abfss", "gs")
# delta-rs on its own tries again for three minutes, and waits for each answer for half a minute.
BOUNDS = {"connect_timeout": "5s", "timeout": "30s", "max_retries": "4", "retry_timeout": "30s"}
FIRST_CONTACT = {"connect_timeout": "3s", "timeout": "5s", "max_retries": "3", "retry_timeout": "4s"}
CONDITIONAL_PUT = "aws_conditional_put"
# The option of delta-rs, without its prefix aws_, and the setting of Hadoop.
HADOOP_SETTINGS = {
    "access_key_id": "access.key",
    "secret_access_key": "secret.key",
    "session_token": "session.token",
    "token": "session.token",
    "default_region": "endpoint.region",
    "region": "endpoint.region",
    "endpoint": "endpoint",
    "endpoint_url": "endpoint",
}
S3A_CLASS = "org.apache.hadoop.fs.s3a.S3AFileSystem"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
CODE = re.compile(r"<Code>(\w+)</Code>")
PAGE = "conf/OBJECT_STORES.md"
CHECK_OPTIONS = f"Check --lake, the section [storage] of the conf and the credentials ({PAGE})."
# What an error's text contains, what that means, and what to do next.
REASONS = (
    ("NoSuchBucket", "there is no such bucket", "Create the bucket, or correct --lake."),
    ("URL scheme is not allowed", "the endpoint is not https", 'Set AWS_ALLOW_HTTP = "true" if that is meant.'),
    ("InvalidAccessKeyId", "the store does not know the access key", "Correct the credentials."),
    ("SignatureDoesNotMatch", "the secret key does not fit the access key", "Correct the credentials."),
    (
        "/latest/api/token",  # a virtual machine's own credentials: the last source that is tried
        "there are no credentials",
        f"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or another source of credentials ({PAGE}).",
    ),
    (
        "403 Forbidden",
        "access denied",
        "Give these credentials the right to list, read, write and delete objects there, or use others.",
    ),
    (
        "error sending request",
        "no answer from the endpoint",
        "Check the endpoint (AWS_ENDPOINT_URL) and the network.",
    ),
)


def scheme_of(address: str) -> str:
    """The scheme of an address; empty for a path."""
    scheme, separator, _ = address.partition("://")
    return scheme if separator else ""


def store_options(root: str, options: Mapping[str, str] | None) -> dict[str, str]:
    """delta-rs' options for a lake: the given ones, with bounded retries and, on S3, commits by conditional put.

    Raises WrongUsage where an option would let two runs commit the same version.
    """
    given = dict(options or {})
    if scheme_of(root) not in SCHEMES:
        return given
    if scheme_of(root) in S3:
        _check_conditional_put(given)
        given[CONDITIONAL_PUT] = "etag"
    named = {key.lower() for key in given}
    return {**{key: value for key, value in BOUNDS.items() if key not in named}, **given}


def spark_address(address: str) -> str:
    """The address under which Spark reaches what delta-rs reaches under this one.

    A path has its scheme added: Hadoop looks for a bare one in its default file system, which a site may have changed.
    """
    if address.startswith("/"):
        return f"file://{address}"
    scheme, separator, rest = address.partition("://")
    return f"{SPARK_SCHEMES.get(scheme, scheme)}{separator}{rest}"


def spark_settings(root: str, options: Mapping[str, str]) -> dict[str, str]:
    """Spark's settings for the store of a lake, from delta-rs' options and the environment variables AWS_*.

    They may hold credentials: they must not appear on a command line or in a message.
    """
    if scheme_of(root) not in S3:
        return {}
    from_environment = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    access = {key.lower().removeprefix("aws_"): value for key, value in {**from_environment, **options}.items()}
    settings = {hadoop: access[name] for name, hadoop in HADOOP_SETTINGS.items() if access.get(name)}
    if "endpoint" in settings and access.get("virtual_hosted_style_request", "false").lower() != "true":
        settings["path.style.access"] = "true"
    return {f"spark.hadoop.fs.s3a.{name}": value for name, value in settings.items()}


def reason_of(error: BaseException) -> str:
    """Why a store or a file system failed, in a few words. Answers of a store may quote keys: only known texts pass."""
    return _reason_and_remedy(error)[0]


def unreachable(root: str, error: BaseException) -> WrongUsage:
    """The stop where a lake cannot be read."""
    reason, remedy = _reason_and_remedy(error)
    return WrongUsage(f"Lake {root}: cannot be read ({reason}). Nothing was done. {remedy}")


def _reason_and_remedy(error: BaseException) -> tuple[str, str]:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror, CHECK_OPTIONS
    text = COLOURS.sub("", str(error))
    for words, reason, remedy in REASONS:
        if words in text:
            return reason, remedy
    code = CODE.search(text)
    first_line = text.splitlines()[0] if text else type(error).__name__
    return f"{first_line}: {code[1]}" if code else first_line, CHECK_OPTIONS


def _check_conditional_put(options: dict[str, str]) -> None:
    for key in [key for key in options if key.lower() in (CONDITIONAL_PUT, "conditional_put")]:
        if options.pop(key).lower() != "etag":
            raise WrongUsage(
                f"The section [storage] of the conf: {key} must be etag. Nothing was done. Leave it out: without "
                "conditional put two runs could write the lake at once."
            )
