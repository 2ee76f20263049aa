"""Draw the part of the expected closes that was not loaded, by index and month."""

import altair as alt

from tasks.report.style import CATEGORIES, Rows, time_axis

SERIES = {"not_loaded_pct": "shares of missing closes"}


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return a line per index; months without expected closes stay empty."""
    indexes = sorted({row["index_code"] for row in rows}, reverse=True)
    highest = max(row["not_loaded_pct"] or 0 for row in rows)
    return (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(point=True)
        .encode(
            x=time_axis("month").scale(padding=6),
            y=alt.Y(
                "not_loaded_pct:Q",
                title="percent not loaded",
                # where nothing is missing, too, the line is at the foot
                scale=alt.Scale(domain=[0, highest or 1], nice=True),
            ),
            color=alt.Color(
                "index_code:N", title=None, scale=alt.Scale(domain=indexes, range=CATEGORIES)
            ),
            shape=alt.Shape("index_code:N", title=None, scale=alt.Scale(domain=indexes)),
            tooltip=[
                alt.Tooltip("index_code:N", title="index"),
                alt.Tooltip("month:T", format="%B %Y"),
                alt.Tooltip("not_loaded_pct:Q", title="% not loaded"),
                alt.Tooltip("expected:Q", format=","),
                alt.Tooltip("missing:Q", format=","),
                alt.Tooltip("quarantined:Q", format=","),
                alt.Tooltip("is_backcast:N", title="backcast members"),
            ],
        )
        .properties(width=700, height=160)
    )
