"""Draw abnormal returns around CPI releases and changes of the policy rate."""

import altair as alt

from tasks.report.style import BLUE, GREY, ORANGE, Rows, choose_value, time_axis

SERIES = {"abnormal_pct": "abnormal returns"}


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return a point with its interval per release; a cross where the model lacks sessions."""
    choices = (
        choose_value(rows, "release", "CPI", SERIES),
        choose_value(rows, "subject", "IWM/SPY", SERIES),
        choose_value(rows, "event_window", "first session", SERIES),
    )
    base = alt.Chart(alt.NamedData("rows")).transform_filter(
        " && ".join(f"datum.{each.name} === {each.name}" for each in choices)
    )
    x = time_axis("release_date").scale(padding=8)
    tooltip = [
        alt.Tooltip("release_date:T", title="released"),
        alt.Tooltip("session_date:T", title="first session"),
        alt.Tooltip("value_pct:Q", title="value, %"),
        alt.Tooltip("previous_pct:Q", title="known before, %"),
        alt.Tooltip("surprise_pct:Q", title="surprise, points"),
        alt.Tooltip("return_pct:Q", title="return, %"),
        alt.Tooltip("abnormal_pct:Q", title="abnormal return, %"),
        alt.Tooltip("missing_reason:N", title="missing because"),
    ]
    known = base.transform_filter("isValid(datum.abnormal_pct)").transform_calculate(
        sign="datum.low_pct > 0 || datum.high_pct < 0 ? 'interval without 0' : 'interval with 0'"
    )
    y = alt.Y("abnormal_pct:Q", title="abnormal return, percent")
    domain = ["interval without 0", "interval with 0"]
    color = alt.Color("sign:N", title=None, scale=alt.Scale(domain=domain, range=[ORANGE, BLUE]))
    shape = alt.Shape(
        "sign:N", title=None, scale=alt.Scale(domain=domain, range=["diamond", "circle"])
    )
    bars = known.mark_rule(strokeWidth=1.5).encode(
        x=x, y=alt.Y("low_pct:Q", title="abnormal return, percent"), y2="high_pct:Q", color=color
    )
    points = known.mark_point(size=60, filled=True, opacity=1).encode(
        x=x, y=y, color=color, shape=shape, tooltip=tooltip
    )
    gaps = (
        base.transform_calculate(gap="isValid(datum.abnormal_pct) ? '' : '✕'")
        .mark_text(color=GREY, fontSize=12)
        .encode(x=x, y=alt.datum(0), text="gap:N", tooltip=tooltip)
    )
    zero = base.mark_rule(color=GREY).encode(y=alt.datum(0))
    return (
        alt.layer(zero, bars, points, gaps).add_params(*choices).properties(width=700, height=240)
    )
