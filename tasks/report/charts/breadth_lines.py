"""Draw the McClellan oscillator, new highs and lows, and the share above the mean of 200."""

import altair as alt

from tasks.report.style import (
    BLUE,
    ORANGE,
    Rows,
    choose_value,
    columns_with_values,
    time_axis,
)

SERIES = {
    "mcclellan_oscillator": "McClellan oscillator",
    "new_highs_252": "new highs and lows",
    "pct_above_200": "percent above the mean of 200 sessions",
}


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return up to three charts under one another, of one index at a time."""
    index = choose_value(rows, "index_code", "R2000", SERIES)
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.index_code === index_code")
    # one time axis for all, whichever of them begins first
    weeks = [row["week"] for row in rows]
    x = time_axis("week").scale(domain=[_date(min(weeks)), _date(max(weeks))], padding=6)
    panels = {
        "mcclellan_oscillator": _oscillator,
        "new_highs_252": _extremes,
        "pct_above_200": _above,
    }
    return (
        alt.vconcat(
            *(
                panels[name](base, x).properties(width=700, height=130)
                for name in columns_with_values(rows, SERIES)
            )
        )
        .resolve_scale(color="independent")
        .add_params(index)
    )


def _date(day: str) -> alt.DateTime:
    year, month, date = map(int, day.split("-"))
    return alt.DateTime(year=year, month=month, date=date)


SESSION = alt.Tooltip("session_date:T", title="session")


def _oscillator(base: alt.Chart, x: alt.X) -> alt.Chart:
    return base.mark_bar().encode(
        x=x,
        y=alt.Y("mcclellan_oscillator:Q", title="McClellan oscillator"),
        color=alt.condition("datum.mcclellan_oscillator < 0", alt.value(ORANGE), alt.value(BLUE)),
        tooltip=[SESSION, alt.Tooltip("mcclellan_oscillator:Q", title="oscillator")],
    )


def _extremes(base: alt.Chart, x: alt.X) -> alt.Chart:
    sides = ["at a high of 252 sessions", "at a low (below 0)"]
    return (
        base.transform_fold(["new_highs_252", "new_lows_252"], as_=["column", "count"])
        .transform_calculate(side=f"datum.column === 'new_highs_252' ? '{sides[0]}' : '{sides[1]}'")
        .mark_bar()
        .encode(
            x=x,
            y=alt.Y("count:Q", title="members"),
            color=alt.Color(
                "side:N", title=None, scale=alt.Scale(domain=sides, range=[BLUE, ORANGE])
            ),
            tooltip=[SESSION, alt.Tooltip("side:N"), alt.Tooltip("count:Q", title="members")],
        )
    )


def _above(base: alt.Chart, x: alt.X) -> alt.Chart:
    return base.mark_line(color=BLUE).encode(
        x=x,
        y=alt.Y(
            "pct_above_200:Q",
            title=["% above their", "mean of 200"],
            scale=alt.Scale(domain=[0, 100]),
        ),
        tooltip=[SESSION, alt.Tooltip("pct_above_200:Q", title="% above their mean")],
    )
