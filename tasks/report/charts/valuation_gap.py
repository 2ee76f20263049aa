"""Draw trailing price/earnings of large and small caps, loss makers left out."""

from typing import Any

import altair as alt

from tasks.report.style import BLUE, ORANGE, time_axis

SERIES = {"large_pe_ex_losers": "S&P 500", "small_pe_ex_losers": "Russell 2000"}


def draw(_rows: list[dict[str, Any]]) -> alt.TopLevelMixin:
    """Return two lines by quarter-end."""
    return (
        alt.Chart(alt.NamedData("rows"))
        .transform_fold([*SERIES], as_=["series", "multiple"])
        .transform_calculate(
            series=f"datum.series === '{next(iter(SERIES))}' ? 'S&P 500' : 'Russell 2000'"
        )
        .mark_line(point=True)
        .encode(
            x=time_axis("as_of_date"),
            y=alt.Y("multiple:Q", title="price / trailing earnings"),
            color=alt.Color(
                "series:N",
                title=None,
                scale=alt.Scale(domain=[*SERIES.values()], range=[BLUE, ORANGE]),
            ),
            tooltip=[
                alt.Tooltip("as_of_date:T", title="quarter-end"),
                alt.Tooltip("series:N"),
                alt.Tooltip("multiple:Q", format=".1f"),
                alt.Tooltip("gap_zscore:Q", title="z-score of the gap"),
                alt.Tooltip("earnings_coverage_pct:Q", title="% of weight known"),
            ],
        )
        .properties(width=700, height=260)
    )
