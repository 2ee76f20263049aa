"""Draw the ratio of small to large with its trend, regimes and changes of the policy rate."""

from typing import Any

import altair as alt

from tasks.report.style import BLUE, GREY, ORANGE, REGIMES, choose_value, time_axis


def draw(rows: list[dict[str, Any]]) -> alt.TopLevelMixin:
    """Return the chart: one pair at a time, with an overview to select dates in."""
    pair = choose_value(rows, "pair", "IWM/SPY")
    brush = alt.selection_interval(encodings=["x"], name="range")
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.pair === pair")
    x = time_axis("week")
    detail_x = x.scale(domain=brush)
    shade = (
        base.transform_calculate(week_end="datum.week + 7 * 86400000")
        .transform_filter("isValid(datum.regime)")
        .mark_rect(opacity=0.18)
        .encode(
            x=detail_x,
            x2="week_end:T",
            color=alt.Color(
                "regime:N",
                title="Regime",
                scale=alt.Scale(domain=[*REGIMES], range=[*REGIMES.values()]),
            ),
        )
    )
    y = alt.Y("ratio:Q", title="close of small / close of large", scale=alt.Scale(zero=False))
    line = base.mark_line(color=BLUE, strokeWidth=1.8).encode(x=detail_x, y=y)
    trend = base.mark_line(color=ORANGE, strokeDash=[5, 3]).encode(
        x=detail_x, y=alt.Y("ratio_sma_200:Q", title="close of small / close of large")
    )
    ticks = (
        base.transform_filter("isValid(datum.policy_change_bp)")
        .mark_rule(color=GREY, strokeDash=[2, 2])
        .encode(
            x=detail_x,
            tooltip=[
                alt.Tooltip("week:T", title="week of"),
                alt.Tooltip("policy_change_bp:Q", title="policy rate, bp"),
            ],
        )
    )
    hover = base.mark_point(opacity=0, size=80).encode(
        x=detail_x,
        y=y,
        tooltip=[
            alt.Tooltip("session_date:T", title="session"),
            alt.Tooltip("ratio:Q", format=".4f"),
            alt.Tooltip("ratio_sma_200:Q", title="mean of 200", format=".4f"),
            alt.Tooltip("regime:N"),
        ],
    )
    detail = alt.layer(shade, ticks, trend, line, hover).properties(width=700, height=280)
    overview = (
        base.mark_area(color=BLUE, opacity=0.4)
        .encode(x=x, y=alt.Y("ratio:Q", title=None, axis=None, scale=alt.Scale(zero=False)))
        .add_params(brush)
        .properties(width=700, height=50)
    )
    return alt.vconcat(detail, overview).add_params(pair)
