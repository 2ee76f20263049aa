"""Draw the McClellan oscillator, new highs and lows, and the share above the mean of 200."""

from typing import Any

import altair as alt

from tasks.report.style import BLUE, ORANGE, choose_value, time_axis


def draw(rows: list[dict[str, Any]]) -> alt.TopLevelMixin:
    """Return three charts under one another, of one index at a time."""
    index = choose_value(rows, "index_code", "R2000")
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.index_code === index_code")
    x = time_axis("week")
    session = alt.Tooltip("session_date:T", title="session")
    oscillator = base.mark_bar().encode(
        x=x,
        y=alt.Y("mcclellan_oscillator:Q", title="McClellan oscillator"),
        color=alt.condition("datum.mcclellan_oscillator < 0", alt.value(ORANGE), alt.value(BLUE)),
        tooltip=[session, alt.Tooltip("mcclellan_oscillator:Q", title="oscillator")],
    )
    extremes = (
        base.transform_fold(["new_highs_252", "new_lows_252"], as_=["column", "count"])
        .transform_calculate(
            side="datum.column === 'new_highs_252' ? 'new highs' : 'new lows (below 0)'"
        )
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("count:Q", title="members at highs, lows"),
            color=alt.Color(
                "side:N",
                title=None,
                scale=alt.Scale(domain=["new highs", "new lows (below 0)"], range=[BLUE, ORANGE]),
            ),
            tooltip=[session, alt.Tooltip("side:N"), alt.Tooltip("count:Q")],
        )
    )
    above = base.mark_line(color=BLUE).encode(
        x=x,
        y=alt.Y("pct_above_200:Q", title="% above mean of 200", scale=alt.Scale(domain=[0, 100])),
        tooltip=[session, alt.Tooltip("pct_above_200:Q", title="% above")],
    )
    panels = (panel.properties(width=700, height=130) for panel in (oscillator, extremes, above))
    return alt.vconcat(*panels).add_params(index)
