"""Results of a benchmark: kept as JSON with a plot beside it, and compared with those of an earlier one."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

import altair as alt
import vl_convert

from jobs.pipeline.amounts import table_text

PACKAGES = ("pyspark", "delta-spark", "deltalake", "duckdb", "polars")


def keep(file: Path, size: str, rounds: Sequence[Mapping[str, float]], earlier: Path | None) -> None:
    """Writes the rounds with the versions and the machine's shape, and a plot of the medians; prints the comparison."""
    machine = {"cores": os.cpu_count(), "memory_gib": _memory_gib(), "python": platform.python_version()}
    versions = {name: version(name) for name in PACKAGES}
    document = {"members": size, "machine": machine, "versions": versions, "rounds": list(rounds)}
    file.write_text(json.dumps(document, indent=1))
    file.with_suffix(".svg").write_text(_plot(_medians(rounds)))
    print(f"kept in {file}; {machine['cores']} cores, {machine['memory_gib']} GiB, {versions}", flush=True)
    if earlier is not None:
        _compare(_medians(rounds), json.loads(earlier.read_text()))


def spread(values: Sequence[float]) -> str:
    """The smallest and the largest value."""
    return f"{min(values):.2f} to {max(values):.2f}"


def _medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {part: median(one[part] for one in rounds) for part in rounds[0] if part != "rows" and "GiB" not in part}


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30))


def _compare(now: Mapping[str, float], earlier: Mapping) -> None:
    before = _medians(earlier["rounds"])
    rows = [
        [part, f"{before[part]:.1f}", f"{now[part]:.1f}", f"{now[part] / before[part]:.2f}"]
        for part in now
        if before.get(part)
    ]
    title = f"earlier: {earlier['members']} members, {earlier['machine']}"
    print(table_text(title, ["part", "seconds then", "seconds now", "now / then"], rows), flush=True)


def _plot(medians: Mapping[str, float]) -> str:
    bars = [{"part": part, "seconds": seconds} for part, seconds in medians.items()]
    chart = alt.Chart(alt.Data(values=bars)).mark_bar().encode(x="seconds:Q", y=alt.Y("part:N", sort=None, title=None))
    return vl_convert.vegalite_to_svg(chart.properties(width=600).to_json())
