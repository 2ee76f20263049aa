"""Draw monthly inflation as first released and as revised."""

import altair as alt

from tasks.report.style import BLUE, GREY, ORANGE, Rows, columns_with_values, time_axis

SERIES = {"first_mom_pct": "first release", "latest_mom_pct": "newest vintage"}
COLORS = dict(zip(SERIES, (BLUE, ORANGE), strict=True))


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return bars of the first release and marks of the newest vintage; crosses for gaps."""
    base = alt.Chart(alt.NamedData("rows"))
    x = time_axis("observation_date").scale(padding=8)
    shown = columns_with_values(rows, SERIES)
    labels = [SERIES[name] for name in shown]
    tooltip = [
        alt.Tooltip("observation_date:T", title="month", format="%B %Y"),
        alt.Tooltip("first_mom_pct:Q", title="first release, %"),
        alt.Tooltip("latest_mom_pct:Q", title="newest vintage, %"),
    ]
    color = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=labels, range=[COLORS[name] for name in shown]),
    )
    # bars touch neither on a wide page nor on a phone
    month = f"(width / {len(rows)})"
    marks = {
        "first_mom_pct": base.mark_bar(size=alt.expr(f"{month} / 2"), opacity=0.75),
        "latest_mom_pct": base.mark_tick(
            thickness=3, size=alt.expr(f"0.8 * {month}"), orient="horizontal", opacity=1
        ),
    }
    layers = [
        marks[name]
        .transform_calculate(series=f"'{SERIES[name]}'")
        .encode(
            x=x,
            y=alt.Y(f"{name}:Q", title="percent over a month"),
            color=color,
            tooltip=tooltip,
        )
        for name in shown
    ]
    gaps = (
        base.transform_calculate(
            gap="isValid(datum.first_mom_pct) || isValid(datum.latest_mom_pct) ? '' : '✕'"
        )
        .mark_text(color=GREY, fontSize=12)
        .encode(x=x, y=alt.datum(0), text="gap:N", tooltip=[tooltip[0]])
    )
    return alt.layer(*layers, gaps).properties(width=700, height=220)
