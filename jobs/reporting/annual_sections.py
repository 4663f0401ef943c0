"""Sections of a year's page on the report itself: missing periods, and the versions of the sources."""

from jobs.base.catalogue import Text, catalogue
from jobs.reporting.annual_sources import COSTS, REVIEWS, VISITS
from jobs.reporting.measures import ANNUAL as MEASURES
from jobs.reporting.text import Paragraph, Section, Table, number

ANNUAL = catalogue("jobs.reporting", "annual")
SOURCE_NAMES = ANNUAL.group("source_table", (COSTS, VISITS, REVIEWS))
VERSION_NAMES = ANNUAL.group("version_read", MEASURES.by_topic["source"])
PERIODS_NAMED_MAX = 6


def missing_periods(rows: list[dict]) -> tuple[Paragraph, ...]:
    """A sentence that names the year's periods that the report lacks; nothing if it lacks none."""
    missing = [row["item"] for row in MEASURES.select(rows, "periods", "missing")]
    if not missing:
        return ()
    named = ", ".join(missing[:PERIODS_NAMED_MAX])
    is_cut = len(missing) > PERIODS_NAMED_MAX
    periods = ANNUAL["and_more"].format(periods=named) if is_cut else Text(named, named)
    return (Paragraph(ANNUAL["missing_periods"].format(count=number(len(missing)), periods=periods)),)


def sources_section(rows: list[dict]) -> Section:
    """Which version of each source was read, for which months."""
    months_by_version: dict[tuple[str, str, int], list[str]] = {}
    for row in MEASURES.select(rows, "source"):
        name, month = row["item"].split(":")
        months_by_version.setdefault((name, row["measure"], row["quantity"]), []).append(month)
    table = Table(
        ANNUAL["sources_table"],
        (ANNUAL["source"], ANNUAL["version"], ANNUAL["months"], ANNUAL["read_as"]),
        tuple(
            (SOURCE_NAMES[name], number(version), _span(months), VERSION_NAMES[measure])
            for (name, measure, version), months in sorted(
                months_by_version.items(), key=lambda entry: (entry[0][0], entry[1][0])
            )
        ),
    )
    return Section(ANNUAL["sources_section"], (Paragraph(ANNUAL["sources_text"]), table))


def _span(months: list[str]) -> str:
    """The months of one year, consecutive ones as from–to."""
    spans: list[list[str]] = []
    for month in sorted(months):
        if spans and int(month[5:]) == int(spans[-1][-1][5:]) + 1:
            spans[-1] = [spans[-1][0], month]
        else:
            spans.append([month])
    return ", ".join("–".join(span) for span in spans)
