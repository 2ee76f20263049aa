"""Draw trailing price/earnings of large and small caps, loss makers left out, and their gap."""

import altair as alt

from tasks.report.style import BLUE, GREEN, GREY, ORANGE, Rows, columns_with_values, time_axis

MULTIPLES = {"large_pe_ex_losers": "S&P 500", "small_pe_ex_losers": "Russell 2000"}
SERIES = MULTIPLES | {"gap_zscore": "standard deviations of the gap (12 quarters or more)"}
COLORS = dict(zip(MULTIPLES, (BLUE, ORANGE), strict=True))


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return two lines by quarter-end, and how unusual their gap is."""
    base = alt.Chart(alt.NamedData("rows"))
    x = time_axis("as_of_date").scale(padding=6)
    tooltip = [
        alt.Tooltip("as_of_date:T", title="quarter-end"),
        alt.Tooltip("large_pe_ex_losers:Q", title="S&P 500", format=".1f"),
        alt.Tooltip("small_pe_ex_losers:Q", title="Russell 2000", format=".1f"),
        alt.Tooltip("gap_ex_losers:Q", title="gap", format=".1f"),
        alt.Tooltip("gap_zscore:Q", title="standard deviations"),
        alt.Tooltip("earnings_coverage_pct:Q", title="% of weight with earnings"),
    ]
    panels = []
    if shown := columns_with_values(rows, MULTIPLES):
        labels = [MULTIPLES[name] for name in shown]
        panels.append(
            base.transform_fold([*shown], as_=["column", "multiple"])
            .transform_calculate(series=f"{MULTIPLES}[datum.column]")
            .mark_line(point=True)
            .encode(
                x=x,
                y=alt.Y("multiple:Q", title="price / trailing earnings"),
                color=alt.Color(
                    "series:N",
                    title=None,
                    scale=alt.Scale(domain=labels, range=[COLORS[name] for name in shown]),
                ),
                tooltip=tooltip,
            )
            .properties(width=700, height=220)
        )
    if columns_with_values(rows, ["gap_zscore"]):
        score = base.mark_line(point=True, color=GREEN).encode(
            x=x,
            y=alt.Y("gap_zscore:Q", title=["gap, standard", "deviations"]),
            tooltip=tooltip,
        )
        bounds = (
            alt.Chart(alt.Data(values=[{"level": 2}, {"level": -2}]))  # type: ignore[no-untyped-call]
            .mark_rule(color=GREY, strokeDash=[4, 3])
            .encode(y="level:Q")
        )
        panels.append(alt.layer(bounds, score).properties(width=700, height=110))
    return alt.vconcat(*panels)
