"""Draw the share of members above their mean, by sector and week."""

from typing import Any

import altair as alt

from tasks.report.style import choose_value, time_axis


def draw(rows: list[dict[str, Any]]) -> alt.TopLevelMixin:
    """Return the heat map of one index at a time; weeks without figures stay empty."""
    sectors = len({row["sector"] for row in rows})
    index = choose_value(rows, "index_code", "R2000")
    return (
        alt.Chart(alt.NamedData("rows"))
        .transform_filter("datum.index_code === index_code && isValid(datum.pct_above_50)")
        .transform_calculate(week_end="datum.week + 7 * 86400000")
        .mark_rect()
        .encode(
            x=time_axis("week"),
            x2="week_end:T",
            y=alt.Y("sector:N", title=None),
            color=alt.Color(
                "pct_above_50:Q",
                title="% above mean of 50",
                scale=alt.Scale(domain=[0, 50, 100], range=["#b35806", "#f7f7f7", "#2166ac"]),
            ),
            tooltip=[
                alt.Tooltip("sector:N"),
                alt.Tooltip("session_date:T", title="session"),
                alt.Tooltip("pct_above_50:Q", title="% above mean of 50"),
                alt.Tooltip("eligible_50:Q", title="members with 50 closes"),
                alt.Tooltip("members:Q"),
                alt.Tooltip("is_backcast:N", title="backcast members"),
            ],
        )
        .add_params(index)
        .properties(width=700, height=24 * sectors)
    )
