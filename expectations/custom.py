"""The expectation types that Great Expectations does not have; importing this module registers them with it.

Its own column expectations leave out rows without a value, so that a missing value never breaks them. Three types here
count it as unexpected. The fourth represents rules that need more than one table, in results.
"""

from functools import reduce
from typing import ClassVar, Literal

from great_expectations.execution_engine import PandasExecutionEngine, SparkDFExecutionEngine
from great_expectations.expectations.core import ExpectColumnValuesToBeBetween, ExpectColumnValuesToBeInSet
from great_expectations.expectations.expectation import (
    BatchExpectation,
    MulticolumnMapExpectation,
    render_suite_parameter_string,
)
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnMapMetricProvider,
    MulticolumnMapMetricProvider,
    column_condition_partial,
    multicolumn_condition_partial,
)
from great_expectations.render import LegacyRendererType, RenderedStringTemplateContent
from great_expectations.render.renderer.renderer import renderer
from pyspark.sql import functions as F


class ColumnValuesNotNullAndInSet(ColumnMapMetricProvider):
    """Rows whose column is one of the values."""

    condition_metric_name = "column_values.not_null_and_in_set"
    condition_value_keys = ("value_set",)
    filter_column_isnull = False

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column, value_set, **kwargs):
        return column.notnull() & column.isin(value_set)

    @column_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column, value_set, **kwargs):
        return column.isNotNull() & column.isin(*value_set)


class ColumnValuesNotNullAndBetween(ColumnMapMetricProvider):
    """Rows whose column lies between the bounds, both included."""

    condition_metric_name = "column_values.not_null_and_between"
    condition_value_keys = ("min_value", "max_value")
    filter_column_isnull = False

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column, min_value, max_value, **kwargs):
        return column.notnull() & column.between(min_value, max_value)

    @column_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column, min_value, max_value, **kwargs):
        return column.isNotNull() & column.between(min_value, max_value)


class MulticolumnValuesNotNull(MulticolumnMapMetricProvider):
    """Rows in which every one of the columns has a value."""

    condition_metric_name = "multicolumn_values.not_null"
    condition_domain_keys = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list, **kwargs):
        return column_list.notnull().all(axis=1)

    @multicolumn_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column_list, **kwargs):
        return reduce(lambda left, right: left & right, (F.col(name).isNotNull() for name in column_list.columns))


class ExpectColumnValuesToNotBeNullAndToBeInSet(ExpectColumnValuesToBeInSet):
    """As ExpectColumnValuesToBeInSet, and a missing value is unexpected."""

    map_metric = "column_values.not_null_and_in_set"


class ExpectColumnValuesToNotBeNullAndToBeBetween(ExpectColumnValuesToBeBetween):
    """As ExpectColumnValuesToBeBetween with both bounds, and a missing value is unexpected."""

    min_value: int
    max_value: int
    map_metric = "column_values.not_null_and_between"


class ExpectMulticolumnValuesToNotBeNull(MulticolumnMapExpectation):
    """Every one of the columns has a value; a row counts once, however many are missing."""

    map_metric = "multicolumn_values.not_null"
    ignore_row_if: Literal["never"] = "never"

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(cls, configuration=None, result=None, runtime_configuration=None, **kwargs):
        return _sentence(
            "values must not be null in any of: $columns", columns=", ".join(configuration.kwargs["column_list"])
        )


class ExpectGateToCountNoRows(BatchExpectation):
    """A rule that takes more than one table: the gate counts it. Great Expectations alone cannot validate it."""

    rule_id: str
    needs: str
    success_keys: ClassVar[tuple[str, ...]] = ("rule_id", "needs")

    def _validate(self, metrics, runtime_configuration=None, execution_engine=None):
        raise NotImplementedError(f"{self.rule_id} is counted by the gate alone: it needs {self.needs}")

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(cls, configuration=None, result=None, runtime_configuration=None, **kwargs):
        return _sentence("$rule_id: counted by the gate with $needs", **configuration.kwargs)


def _sentence(template: str, **params: str) -> list[RenderedStringTemplateContent]:
    content = {"template": template, "params": params}
    return [RenderedStringTemplateContent(content_block_type="string_template", string_template=content)]
