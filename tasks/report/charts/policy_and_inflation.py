"""Draw the policy rate, inflation, the credit spread and the curve as known at the time."""

from typing import Any

import altair as alt

from tasks.report.style import BLUE, GREEN, ORANGE, PURPLE, time_axis

RATES = {
    "target_upper_pct": ("target rate, upper limit", BLUE),
    "cpi_yoy_pct": ("CPI over a year", ORANGE),
    "core_cpi_yoy_pct": ("core CPI over a year", PURPLE),
}
SPREADS = {
    "hy_oas_pct": ("high-yield spread", ORANGE),
    "t10y2y_pct": ("10 less 2 years", GREEN),
}


def draw(_rows: list[dict[str, Any]]) -> alt.TopLevelMixin:
    """Return two charts under one another."""
    return alt.vconcat(
        _lines(RATES, "percent").properties(width=700, height=240),
        _lines(SPREADS, "percentage points").properties(width=700, height=140),
    ).resolve_scale(color="independent")


def _lines(series: dict[str, tuple[str, str]], unit: str) -> alt.Chart:
    labels = {name: label for name, (label, _) in series.items()}
    found = (
        alt.Chart(alt.NamedData("rows"))
        .transform_fold([*series], as_=["column", "value"])
        .transform_calculate(series=f"{labels}[datum.column]")
        .mark_line(interpolate="step-after")
        .encode(
            x=time_axis("week"),
            y=alt.Y("value:Q", title=unit),
            color=alt.Color(
                "series:N",
                title=None,
                scale=alt.Scale(
                    domain=[*labels.values()], range=[color for _, color in series.values()]
                ),
            ),
            tooltip=[
                alt.Tooltip("session_date:T", title="session"),
                alt.Tooltip("series:N"),
                alt.Tooltip("value:Q"),
                alt.Tooltip("policy_phase:N", title="policy"),
            ],
        )
    )
    assert isinstance(found, alt.Chart)
    return found
