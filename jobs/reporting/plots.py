"""Plots, drawn by Altair as SVG inside the page, once for each language."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert

from jobs.base.catalogue import Text
from jobs.reporting.text import DASH, Figure
from jobs.reporting.words import in_both_languages

FONT = 'system-ui, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
# Okabe and Ito: distinguishable with any kind of colour vision, and in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666")
WIDTH = 330
YUAN = "format(datum.value / 100, ',.2~f')"  # values stay whole fen; only the axis labels are yuan
# Space at the sides: the reader's fonts may be wider than the fonts of the layout.
PADDING = {"left": 20, "right": 50, "top": 5, "bottom": 5}
PLAIN: dict[str, Any] = {"padding": PADDING, "view": {"stroke": None}, "font": FONT, "background": "white"}
AXIS: dict[str, Any] = {
    "labelFontSize": 14,
    "titleFontSize": 14,
    "titleFontWeight": "normal",
    "labelLimit": 260,
    "gridColor": "#e3e8ee",
}


def figure(caption: Text, description: Text, draw: Callable[[str], alt.TopLevelMixin]) -> Figure:
    """A figure from a function that draws it in one language."""
    return Figure(caption, description, in_both_languages(lambda language: _svg(draw(language))))


def bars(rows: Sequence[Mapping], axis: str, colour: str | None = None, is_money: bool = False) -> alt.Chart:
    """Horizontal bars in the order of `rows`. Keys: `what`, `value`, `label`, and `group` if `colour` is set.

    A row with a dash as its label has no bar: its value is not shown, in the SVG's own descriptions neither.
    """
    order = list(dict.fromkeys(row["what"] for row in rows))
    groups = list(dict.fromkeys(row.get("group", "") for row in rows))
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        y=alt.Y("what:N", sort=order, title=None),
        x=alt.X("value:Q", title=axis, axis=_axis(is_money)),
    )
    bar = base.transform_filter(f"datum.label != '{DASH}'").mark_bar(color=COLOURS[0])
    label = base.mark_text(align="left", dx=5, fontSize=13, color="#1d2733", aria=False).encode(text="label:N")
    if colour is None:
        return (bar + label).properties(width=WIDTH, height=alt.Step(26))
    offset = alt.YOffset("group:N", sort=groups)
    scale = alt.Scale(domain=groups, range=COLOURS[: len(groups)])
    legend = alt.Legend(title=colour or None, orient="top", labelLimit=260)
    bar = bar.encode(yOffset=offset, color=alt.Color("group:N", scale=scale, sort=groups, legend=legend))
    return (bar + label.encode(yOffset=offset)).properties(width=WIDTH, height=alt.Step(18))


def changes(rows: Sequence[Mapping], axis: str) -> alt.Chart:
    """Bars of amounts to both sides of zero, in the order of `rows`. Keys: `what`, `value` in fen, `label`."""
    order = list(dict.fromkeys(row["what"] for row in rows))
    base = alt.Chart(alt.Data(values=[dict(row) for row in rows])).encode(
        y=alt.Y("what:N", sort=order, title=None),
        # Space for the labels at both ends of the bars: those on the left would cover the names.
        x=alt.X("value:Q", title=axis, axis=_axis(True), scale=alt.Scale(padding=48)),
    )
    up = alt.condition("datum.value > 0", alt.value(COLOURS[1]), alt.value(COLOURS[0]))
    right = base.transform_filter("datum.value >= 0").mark_text(align="left", dx=5, fontSize=13)
    left = base.transform_filter("datum.value < 0").mark_text(align="right", dx=-5, fontSize=13)
    layers = base.mark_bar().encode(color=up) + right.encode(text="label:N") + left.encode(text="label:N")
    return layers.properties(width=WIDTH, height=alt.Step(28))


def lines(rows: Sequence[Mapping]) -> alt.FacetChart:
    """Lines over periods, each `panel` with its own scale. Keys: `period`, `value` in fen, `group`, `panel`."""
    groups = list(dict.fromkeys(row["group"] for row in rows))
    colour = alt.Color(
        "group:N",
        sort=groups,
        scale=alt.Scale(domain=groups, range=COLOURS[: len(groups)]),
        legend=alt.Legend(title=None, orient="top"),
    )
    line = (
        alt.Chart(alt.Data(values=[dict(row) for row in rows]))
        .mark_line(point=alt.OverlayMarkDef(size=45), strokeWidth=2)
        .encode(
            x=alt.X("period:O", title=None, axis=alt.Axis(labelAngle=-40, labelOverlap=True)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=True), axis=_axis(True)),
            color=colour,
        )
        .properties(width=WIDTH + 60, height=150)
    )
    panels = list(dict.fromkeys(row["panel"] for row in rows))
    facet = alt.Facet("panel:N", sort=panels, title=None, header=alt.Header(labelFontSize=14, labelAnchor="start"))
    return line.facet(facet=facet, columns=1).resolve_scale(y="independent")


def _axis(is_money: bool) -> alt.Axis:
    if is_money:
        return alt.Axis(labelExpr=YUAN, tickCount=5)
    return alt.Axis(tickMinStep=1, tickCount=5, labelOverlap=True)


def _svg(chart: alt.TopLevelMixin) -> str:
    configured = chart.configure(**PLAIN).configure_axis(**AXIS).configure_axisY(domain=False, ticks=False)
    return vl_convert.vegalite_to_svg(configured.configure_legend(labelFontSize=14, titleFontSize=14).to_json())
