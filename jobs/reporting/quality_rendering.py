"""Results of a table rendered by Great Expectations into a page of ours, which loads nothing from elsewhere.

Importing this module imports Great Expectations, which takes seconds.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from great_expectations.render.renderer.column_section_renderer import ValidationResultsColumnSectionRenderer
from great_expectations.render.renderer.content_block import ValidationResultsTableContentBlockRenderer
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, DictLoader

from expectations.rule import Terms
from expectations.suites import RuleResult
from expectations.validation import configuration_of, validation_result
from jobs.pipeline.amounts import yuan

TEMPLATE = "quality.html.j2"
# Columns next to those of Great Expectations, by the name of their value in an expectation's meta.
RULE_COLUMNS = {
    "rule_id": "Rule",
    "sentence": "What holds",
    "severity": "Severity",
    "against_it": "Against it",
    "at_stake": "At stake (yuan)",
}


class RuleTable(ValidationResultsTableContentBlockRenderer):
    """The table of results with the rule behind each expectation."""

    @classmethod
    def _get_content_block_fn(cls, expectation_type, expectation_config=None):
        rows_of = super()._get_content_block_fn(expectation_type, expectation_config)

        def with_rule(result=None, **kwargs):
            meta = result.expectation_config.meta
            return [[*row, *(meta[name] for name in RULE_COLUMNS)] for row in rows_of(result=result, **kwargs)]

        return with_rule

    @classmethod
    def _process_content_block(cls, content_block, has_failed_evr, render_object=None):
        super()._process_content_block(content_block, has_failed_evr, render_object)
        content_block.header_row = [*content_block.header_row, *RULE_COLUMNS.values()]


class ResultsPage(ValidationResultsPageRenderer):
    """The page of results without the link to a page of the suite, which is not written."""

    def __init__(self) -> None:
        super().__init__(run_info_at_end=True)
        table = {"module_name": __name__, "class_name": RuleTable.__name__}
        self._column_section_renderer = ValidationResultsColumnSectionRenderer(table_renderer=table)

    @classmethod
    def _render_validation_header(cls, validation_results):
        header = super()._render_validation_header(validation_results)
        template = header.subheader.string_template
        template["template"] = "${suite_title} ${expectation_suite_name}\n ${status_title} ${success}"
        del template["styling"]["params"]["expectation_suite_name"]
        return header


def html_of(
    table_name: str, results: Iterable[RuleResult], terms: Terms, meta: dict[str, Any], title: str, back: tuple
) -> str:
    """The results as one HTML file. `back`: file and words of the link at its head."""
    results = list(results)
    outcome = validation_result(table_name, results, terms, meta)
    for evaluated, result in zip(outcome.results, results, strict=True):
        shown = {"against_it": f"{result.unexpected_count:,}", "at_stake": yuan(result.amount_at_stake_fen)}
        configuration_of(evaluated).meta.update(shown)
    back_file, back_label = back
    frame = {"title": title, "back_file": back_file, "back_label": back_label}
    return _view().render(ResultsPage().render(outcome), template=TEMPLATE, **frame)


@cache
def _view() -> DefaultJinjaPageView:
    """Great Expectations' view, with our frame of a page next to its own templates."""
    view = DefaultJinjaPageView()
    frame = files("jobs.reporting").joinpath("templates").joinpath(TEMPLATE).read_text(encoding="utf-8")
    view.env.loader = ChoiceLoader([DictLoader({TEMPLATE: frame}), view.env.loader])
    return view
