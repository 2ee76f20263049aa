"""Draw the ratio of small to large with its trend, regimes, CPI releases and policy changes."""

import altair as alt

from tasks.report.style import (
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    REGIMES,
    Rows,
    choose_value,
    columns_with_values,
    time_axis,
)

SERIES = {"ratio": "ratio", "ratio_sma_200": "mean of 200 sessions"}
PERIODS = {0: "all", 10: "10 years", 5: "5 years", 2: "2 years", 1: "1 year", 0.5: "6 months"}
YEAR_MS = 365.25 * 86400000


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return the chart of one pair, with an overview to select dates in."""
    pair = choose_value(rows, "pair", "IWM/SPY", ["ratio"])
    choices = alt.binding_select(options=[*PERIODS], labels=[*PERIODS.values()], name="period ")
    period = alt.param("period", value=0, bind=choices)
    brush = alt.selection_interval(encodings=["x"], name="range")
    base = (
        alt.Chart(alt.NamedData("rows"))
        .transform_filter("datum.pair === pair")
        .transform_joinaggregate(newest="max(week)")
        .transform_filter(f"!period || datum.week >= datum.newest - period * {YEAR_MS}")
    )
    x = time_axis("week")
    detail_x = x.scale(domain=brush)
    shade = (
        base.transform_calculate(week_end="datum.week + 7 * 86400000")
        .transform_filter("isValid(datum.regime)")
        .mark_rect(opacity=0.25)
        .encode(
            x=detail_x,
            x2="week_end:T",
            fill=alt.Fill(
                "regime:N",
                title="regime",
                scale=alt.Scale(domain=[*REGIMES], range=[*REGIMES.values()]),
            ),
        )
    )
    shown = columns_with_values(rows, SERIES)
    labels = [SERIES[name] for name in shown]
    y = alt.Y("value:Q", title="close of small / close of large", scale=alt.Scale(zero=False))
    lines = (
        base.transform_fold([*shown], as_=["column", "value"])
        .transform_calculate(line=f"{SERIES}[datum.column]")
        .mark_line(strokeWidth=1.8)
        .encode(
            x=detail_x,
            y=y,
            stroke=alt.Stroke(
                "line:N", title="line", scale=alt.Scale(domain=labels, range=[BLUE, ORANGE])
            ),
            strokeDash=alt.StrokeDash(
                "line:N", title="line", scale=alt.Scale(domain=labels, range=[[1, 0], [5, 3]])
            ),
        )
    )
    hover = base.mark_point(opacity=0, size=80).encode(
        x=detail_x,
        y=alt.Y("ratio:Q", title="close of small / close of large"),
        tooltip=[
            alt.Tooltip("session_date:T", title="session"),
            alt.Tooltip("ratio:Q", format=".4f"),
            alt.Tooltip("ratio_sma_200:Q", title="mean of 200", format=".4f"),
            alt.Tooltip("regime:N"),
        ],
    )
    events = [
        layer
        for column, layers in _events(base, detail_x).items()
        if columns_with_values(rows, [column])
        for layer in layers
    ]
    detail = alt.layer(shade, *events, lines, hover)
    overview = (
        base.mark_line(color=BLUE, strokeWidth=1)
        .encode(x=x, y=alt.Y("ratio:Q", title=None, axis=None, scale=alt.Scale(zero=False)))
        .add_params(brush)
    )
    return alt.vconcat(
        detail.properties(width=700, height=280),
        overview.properties(width=700, height=50),
    ).add_params(pair, period)


def _events(base: alt.Chart, x: alt.X) -> dict[str, list[alt.Chart]]:
    """Return ticks of CPI releases and lines of policy changes, by their column."""
    release = (
        base.transform_filter("isValid(datum.cpi_release_date)")
        .mark_tick(color=PURPLE, orient="vertical", size=10, thickness=1.5)
        .encode(
            x=x,
            y=alt.value(274),
            tooltip=[
                alt.Tooltip("cpi_release_date:T", title="CPI released"),
                alt.Tooltip("cpi_yoy_pct:Q", title="over a year, %"),
                alt.Tooltip("previous_cpi_yoy_pct:Q", title="month before, %"),
            ],
        )
    )
    changes = base.transform_filter("isValid(datum.policy_change_bp)")
    tooltip = [
        alt.Tooltip("week:T", title="week of"),
        alt.Tooltip("policy_change_bp:Q", title="policy rate, bp"),
    ]
    line = changes.mark_rule(color=GREY, strokeDash=[2, 2]).encode(x=x, tooltip=tooltip)
    direction = (
        changes.transform_calculate(direction="datum.policy_change_bp < 0 ? '▼' : '▲'")
        .mark_text(fontSize=11)
        .encode(x=x, y=alt.value(8), text="direction:N", tooltip=tooltip)
    )
    return {"cpi_release_date": [release], "policy_change_bp": [line, direction]}
