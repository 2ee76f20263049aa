"""Draw the policy rate, inflation, the credit spread and the curve as known at the time."""

import altair as alt

from tasks.report.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    Rows,
    columns_with_values,
    time_axis,
)

RATES = {
    "target_upper_pct": "target rate, upper limit",
    "cpi_yoy_pct": "CPI over a year",
    "core_cpi_yoy_pct": "core CPI over a year",
}
SPREADS = {"hy_oas_pct": "high-yield spread", "t10y2y_pct": "10 less 2 years"}
SERIES = RATES | SPREADS
COLORS = dict(zip(SERIES, (BLUE, ORANGE, PURPLE, ORANGE, GREEN), strict=True))


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return two charts under one another."""
    panels = ((RATES, "percent", 240), (SPREADS, "percentage points", 140))
    return alt.vconcat(
        *(
            _lines(shown, unit).properties(width=700, height=height)
            for series, unit, height in panels
            if (shown := columns_with_values(rows, series))
        )
    ).resolve_scale(color="independent")


def _lines(columns: list[str], unit: str) -> alt.Chart:
    labels = [SERIES[name] for name in columns]
    return (
        alt.Chart(alt.NamedData("rows"))
        .transform_fold([*columns], as_=["column", "value"])
        .transform_calculate(series=f"{SERIES}[datum.column]")
        .mark_line(interpolate="step-after")
        .encode(
            x=time_axis("week"),
            y=alt.Y("value:Q", title=unit),
            color=alt.Color(
                "series:N",
                title=None,
                scale=alt.Scale(domain=labels, range=[COLORS[name] for name in columns]),
            ),
            tooltip=[
                alt.Tooltip("session_date:T", title="session"),
                alt.Tooltip("series:N"),
                alt.Tooltip("value:Q", title=unit),
                alt.Tooltip("policy_phase:N", title="policy"),
            ],
        )
    )
