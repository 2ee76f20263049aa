"""Draw the principal due by year, with the part that zombies owe."""

import altair as alt

from tasks.report.style import BLUE, GREY, ORANGE, Rows, choose_value, columns_with_values

SERIES = {
    "other_principal_bn_usd": "others, or not known",
    "zombie_principal_bn_usd": "zombies",
    "unknown_bn_usd": "all, date not known",
}
COLORS = dict(zip(SERIES.values(), (BLUE, ORANGE, GREY), strict=True))


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return the bars of one index; the debt without known dates has a bar of its own."""
    index = choose_value(rows, "index_code", "R2000", SERIES)
    shown = columns_with_values(rows, SERIES)
    owners = [SERIES[name] for name in shown]
    return (
        alt.Chart(alt.NamedData("rows"))
        .transform_filter("datum.index_code === index_code")
        .transform_fold([*shown], as_=["column", "billion"])
        .transform_filter("isValid(datum.billion)")
        .transform_calculate(owner=f"{SERIES}[datum.column]")
        .mark_bar()
        .encode(
            x=alt.X(
                "due:N",
                title="calendar year in which it falls due",
                sort=None,
                # a word per line, to fit a phone
                axis=alt.Axis(labelAngle=0, labelExpr="split(datum.label, ' ')"),
            ),
            y=alt.Y("billion:Q", title="billion USD"),
            color=alt.Color(
                "owner:N",
                title="owed by",
                scale=alt.Scale(domain=owners, range=[COLORS[name] for name in owners]),
            ),
            tooltip=[
                alt.Tooltip("due:N"),
                alt.Tooltip("owner:N", title="owed by"),
                alt.Tooltip("billion:Q", title="billion USD", format=",.2f"),
                alt.Tooltip("companies:Q"),
                alt.Tooltip("debt_coverage_pct:Q", title="% of known debt with dates"),
            ],
        )
        .add_params(index)
        .properties(width=700, height=280)
    )
