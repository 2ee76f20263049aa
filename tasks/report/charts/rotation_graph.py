"""Draw the relative rotation graph: strength against momentum, with weekly tails."""

from typing import Any

import altair as alt

from tasks.report.style import CATEGORIES, GREY, choose_value


def draw(rows: list[dict[str, Any]]) -> alt.TopLevelMixin:
    """Return the chart: pairs or sector funds, four quadrants around 100."""
    kind = choose_value(rows, "kind", "pairs")
    highlight = alt.selection_point(fields=["name"], on="pointerover", empty=True, name="hover")
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.kind === kind")
    x = alt.X("rs_ratio:Q", title="relative strength (100: trend)", scale=alt.Scale(zero=False))
    y = alt.Y("rs_momentum:Q", title="momentum (100: unchanged)", scale=alt.Scale(zero=False))
    color = alt.Color("name:N", title=None, scale=alt.Scale(range=CATEGORIES))
    opacity = alt.condition(highlight, alt.value(1), alt.value(0.15))
    tooltip = [
        alt.Tooltip("name:N"),
        alt.Tooltip("session_date:T", title="session"),
        alt.Tooltip("rs_ratio:Q", format=".2f"),
        alt.Tooltip("rs_momentum:Q", format=".2f"),
    ]
    lines = base.mark_line(strokeWidth=1.5).encode(
        x=x, y=y, color=color, order="session_date:T", opacity=opacity
    )
    dots = base.mark_circle(size=22).encode(x=x, y=y, color=color, opacity=opacity, tooltip=tooltip)
    newest = base.transform_filter("datum.weeks_ago === 1")
    heads = newest.mark_circle(size=110).encode(
        x=x, y=y, color=color, opacity=opacity, tooltip=tooltip
    )
    labels = newest.mark_text(align="left", dx=8, dy=-6, fontSize=11).encode(
        x=x, y=y, text="name:N", opacity=opacity
    )
    vertical = newest.mark_rule(color=GREY).encode(x=alt.datum(100))
    horizontal = newest.mark_rule(color=GREY).encode(y=alt.datum(100))
    return (
        alt.layer(vertical, horizontal, lines, dots, heads, labels)
        .add_params(highlight, kind)
        .properties(width=700, height=420)
    )
