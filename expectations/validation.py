"""Great Expectations on our rules: suites it can run by itself, its run on one table, and the gate's counts as its
results.

Importing this module imports Great Expectations, which takes seconds: commands that settle do not.
"""

import logging
import os
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx  # noqa: E402
from great_expectations.core import (  # noqa: E402
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: E402
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: E402

from expectations import custom  # noqa: E402, F401 (registers our types)
from expectations.expectation import UNEXPECTED_ROWS  # noqa: E402
from expectations.rule import Terms  # noqa: E402
from expectations.suites import RuleResult, judged_configuration, suite_json  # noqa: E402

logging.getLogger("great_expectations").setLevel(logging.ERROR)


def suite_of(table_name: str, terms: Terms) -> gx.ExpectationSuite:
    """The suite of a table, with the rules that Great Expectations can judge on the table alone."""
    return loaded(suite_json(table_name, terms))


def loaded(document: dict[str, Any]) -> gx.ExpectationSuite:
    """A suite from the JSON that `suite_json` gives."""
    return gx.ExpectationSuite(**document)


def validate(suite: gx.ExpectationSuite, frame: Any) -> ExpectationSuiteValidationResult:
    """Great Expectations validates the frame by itself, a Spark or a pandas one, and counts each expectation.

    Raises RuntimeError where an expectation could not be evaluated, which is not the same as a failure.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    is_pandas = type(frame).__module__.startswith("pandas")
    sources = context.data_sources
    source = sources.add_pandas("frame") if is_pandas else sources.add_spark("frame", persist=False)
    definition = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("whole")
    outcome = definition.get_batch({"dataframe": frame}).validate(suite, result_format="BASIC")
    for result in outcome.results:
        if _raised(result.exception_info):
            rule_id = configuration_of(result).meta["rule_id"]
            raise RuntimeError(f"{suite.name}: {rule_id} could not be evaluated: {result.exception_info}")
    return outcome


def unexpected_counts(outcome: ExpectationSuiteValidationResult) -> dict[str, int]:
    """How many rows are against each rule, by rule id; of a rule on the table as a whole 1 where it fails."""
    return {configuration_of(result).meta["rule_id"]: _unexpected_count(result) for result in outcome.results}


def configuration_of(result: ExpectationValidationResult) -> ExpectationConfiguration:
    """The expectation that a result belongs to, which Great Expectations declares as optional."""
    if result.expectation_config is None:
        raise ValueError(f"a result without its expectation: {result}")
    return result.expectation_config


def validation_result(
    table_name: str, results: Iterable[RuleResult], terms: Terms, meta: dict[str, Any]
) -> ExpectationSuiteValidationResult:
    """What the gate counted on a table, as the result of its suite."""
    judged = [
        ExpectationValidationResult(
            success=result.success,
            expectation_config=ExpectationConfiguration(**judged_configuration(result, terms)),
            result=result.result,
            meta={},
            exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
        )
        for result in results
    ]
    return ExpectationSuiteValidationResult(
        success=all(result.success for result in judged),
        results=judged,
        suite_name=table_name,
        statistics=_statistics([bool(result.success) for result in judged]),
        meta=meta,
    )


def _statistics(successes: list[bool]) -> dict[str, Any]:
    evaluated, successful = len(successes), sum(successes)
    return {
        "evaluated_expectations": evaluated,
        "successful_expectations": successful,
        "unsuccessful_expectations": evaluated - successful,
        "success_percent": 100 * successful / evaluated if evaluated else None,
    }


def _unexpected_count(result: ExpectationValidationResult) -> int:
    count = result.result.get("unexpected_count")
    if count is not None:
        return count
    if configuration_of(result).type == UNEXPECTED_ROWS:
        return result.result["observed_value"]
    return 0 if result.success else 1


def _raised(exception_info: dict[str, Any] | None) -> bool:
    """Whether an expectation raised an exception; Great Expectations nests this by metric."""
    infos = exception_info or {}
    nested = [infos] if "raised_exception" in infos else [i for i in infos.values() if isinstance(i, dict)]
    return any(info.get("raised_exception") for info in nested)
