"""Draw monthly inflation as first released and as revised."""

from typing import Any

import altair as alt

from tasks.report.style import BLUE, ORANGE, time_axis


def draw(_rows: list[dict[str, Any]]) -> alt.TopLevelMixin:
    """Return bars of the first release, with marks of the newest vintage."""
    base = alt.Chart(alt.NamedData("rows"))
    x = time_axis("observation_date")
    tooltip = [
        alt.Tooltip("observation_date:T", title="month", format="%B %Y"),
        alt.Tooltip("first_mom_pct:Q", title="first release, %"),
        alt.Tooltip("latest_mom_pct:Q", title="newest vintage, %"),
    ]
    first = base.mark_bar(color=BLUE, opacity=0.7, size=6).encode(
        x=x, y=alt.Y("first_mom_pct:Q", title="percent over a month"), tooltip=tooltip
    )
    latest = base.mark_tick(color=ORANGE, thickness=3, size=10, orient="horizontal").encode(
        x=x, y=alt.Y("latest_mom_pct:Q", title="percent over a month"), tooltip=tooltip
    )
    return alt.layer(first, latest).properties(width=700, height=220)
