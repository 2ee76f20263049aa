"""Draw the shares of debt that have due dates, float, or are owed by zombies."""

from typing import Any

import altair as alt

from tasks.report.style import BLUE, Rows, choose_value

SERIES = {"share_pct": "shares of the debt"}


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return a bar per share, labelled with the part of the debt for which it is known."""
    index = choose_value(rows, "index_code", "R2000", SERIES)
    base = (
        alt.Chart(alt.NamedData("rows"))
        .transform_filter("datum.index_code === index_code")
        .transform_calculate(
            label="(isValid(datum.share_pct) ? format(datum.share_pct, '.1f') + ' %' : 'not known')"
            " + (datum.known_for_pct > 0 && datum.known_for_pct < 100"
            " ? '\\nknown for ' + format(datum.known_for_pct, '.0f') + ' %' : '')",
            end="isValid(datum.share_pct) ? datum.share_pct : 0",
        )
        .encode(y=alt.Y("measure:N", title=None, sort=None, axis=alt.Axis(labelLimit=220)))
    )
    x = alt.X("share_pct:Q", title="percent of the debt", scale=alt.Scale(domain=[0, 100]))
    x = x.axis(tickCount=5)
    bars = base.mark_bar(color=BLUE).encode(
        x=x,
        tooltip=[
            alt.Tooltip("measure:N"),
            alt.Tooltip("share_pct:Q", title="% of the debt"),
            alt.Tooltip("known_for_pct:Q", title="known for % of the debt"),
            alt.Tooltip("companies:Q", title="companies with a value"),
            alt.Tooltip("companies_with_debt:Q", title="companies with debt"),
        ],
    )
    # beside a short bar, inside a long one
    # of two lines, the first one is placed: half a line higher, both are in the middle
    dy = alt.expr("indexof(datum.label, '\\n') < 0 ? 0 : -7")
    style: dict[str, Any] = {"fontSize": 12, "lineBreak": "\n", "baseline": "middle", "dy": dy}
    short = base.transform_filter("datum.end <= 50").mark_text(align="left", dx=6, **style)
    long = base.transform_filter("datum.end > 50").mark_text(
        align="right", dx=-6, color="white", **style
    )
    texts = [each.encode(x=alt.X("end:Q"), text="label:N") for each in (short, long)]
    return alt.layer(bars, *texts).add_params(index).properties(width=700, height=130)
