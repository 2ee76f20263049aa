"""Draw the share of members above their mean, by sector and week."""

import altair as alt

from tasks.report.style import Rows, choose_value, time_axis

SERIES = {"pct_above_50": "percent above the mean of 50 sessions"}


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return the heat map of one index; weeks without figures stay empty.

    The middle of the scale is yellow, so that an empty week does not look like 50 %.
    """
    sectors = len({row["sector"] for row in rows})
    index = choose_value(rows, "index_code", "R2000", SERIES)
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
                title=["% of members above", "their mean of 50 sessions"],
                scale=alt.Scale(
                    domain=[0, 50, 100], range=["#b35806", "#fff3b0", "#2166ac"], interpolate="lab"
                ),
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
