"""Errors that end a command. Each message says what was not done and what to do next; each class has its exit code."""

import os
import re
import traceback

OUT_OF_MEMORY = re.compile(
    r"OutOfMemoryError|UNABLE_TO_ACQUIRE_MEMORY|[Cc]ould not allocate memory|Resources exhausted"
)


class Stop(Exception):
    """An error the user can act on; shown without a stack trace."""

    exit_code = 1


class WrongUsage(Stop):
    """The command line or the configuration is wrong."""

    exit_code = 2


class GateStopped(Stop):
    """The quality gate stopped the run."""

    exit_code = 3


class Refused(Stop):
    """The period is closed, was already settled from other inputs, or cannot be processed yet."""

    exit_code = 4


class Locked(Stop):
    """Another run holds the lock of the lake."""

    exit_code = 5


class IntegrityBroken(Stop):
    """An invariant or a digest check failed; nothing was published."""

    exit_code = 6


def unexpected(error: Exception, what: str = "") -> Stop:
    """The Stop shown for an unexpected error. It names the error's class only: Spark's messages may quote row values.

    `what`: the command that failed, as a prefix of the message; empty where the user knows it. With FENTAN_DEBUG set,
    the stack trace is printed too.
    """
    if "FENTAN_DEBUG" in os.environ:
        traceback.print_exception(error)
    if OUT_OF_MEMORY.search(_text_of(error)):
        return Stop(
            f"{what}ended because Spark ran out of memory. `fentan status` shows what is published. Give it more "
            "(spark.driver.memory in the conf, or FENTAN_DRIVER_MEMORY; the section Sizing of conf/OPERATIONS.md says "
            "how much), then run it again: what is published is not done twice."
        )
    condition = error.getCondition() if hasattr(error, "getCondition") else None
    kind = f"{type(error).__name__}: {condition}" if condition else type(error).__name__
    return Stop(
        f"{what}failed unexpectedly ({kind}). `fentan status` shows what is published. Run it again: what is published "
        "is not done twice. If it fails again, set FENTAN_DEBUG=1 and report the trace."
    )


def _text_of(error: Exception) -> str:
    try:
        return str(error)  # of an error in Java: its stack trace, asked of Java
    except Exception:  # Java is gone
        return ""


def rule_not_in_force(missing: Exception) -> WrongUsage:
    """The error for a rule without a value on the day it is needed; a missing rule never counts as zero."""
    return WrongUsage(f"{missing}. Nothing was settled. Give the rule a value from an earlier day, with its source.")
