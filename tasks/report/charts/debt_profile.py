"""Draw the shares of debt that have due dates, float, or are owed by zombies."""

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
            " + (datum.known_for_pct < 100"
            " ? ' (known for ' + format(datum.known_for_pct, '.0f') + ' % of it)' : '')",
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
    text = {"x": alt.X("end:Q"), "text": alt.Text("label:N")}
    beside = base.transform_filter("datum.end <= 50").mark_text(align="left", dx=6, fontSize=12)
    inside = base.transform_filter("datum.end > 50").mark_text(
        align="right", dx=-6, fontSize=12, color="white"
    )
    texts = [each.encode(**text) for each in (beside, inside)]
    return alt.layer(bars, *texts).add_params(index).properties(width=700, height=110)
