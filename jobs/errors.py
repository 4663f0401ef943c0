"""How a run can stop. Each stop says what was not done and what to do next, and has its own exit code."""

import os
import traceback


class Stop(Exception):
    """A stop the user can act on; shown without a stack trace."""

    exit_code = 1


class WrongUsage(Stop):
    """Wrong usage or configuration."""

    exit_code = 2


class GateStopped(Stop):
    """The quality gate stopped the run."""

    exit_code = 3


class Refused(Stop):
    """The period is closed, or already settled from different inputs, or not yet its turn."""

    exit_code = 4


class Locked(Stop):
    """Another run holds the lake."""

    exit_code = 5


class IntegrityBroken(Stop):
    """An invariant or a digest fails; nothing was published."""

    exit_code = 6


def unexpected(error: Exception, what: str = "") -> Stop:
    """The stop that an unexpected error comes to: its kind without its message, since Spark's quote values of rows.

    `what`: the command that failed, where the reader does not know. The trace is for whoever has to mend the program.
    """
    if "FENTAN_DEBUG" in os.environ:
        traceback.print_exception(error)
    condition = error.getCondition() if hasattr(error, "getCondition") else None
    kind = f"{type(error).__name__}: {condition}" if condition else type(error).__name__
    return Stop(
        f"{what}failed unexpectedly ({kind}). `fentan status` shows what is published. Run it again: what is published "
        "is not done twice. If it fails again, set FENTAN_DEBUG=1 and report the trace."
    )


def without_rule(missing: Exception) -> WrongUsage:
    """The stop for a rule that is not in force when it is needed: that is an error, never a zero."""
    return WrongUsage(f"{missing}. Nothing was settled. Give the rule a value from an earlier day, with its source.")
