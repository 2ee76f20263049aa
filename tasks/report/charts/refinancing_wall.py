"""Draw the principal due by year, with the part that zombies owe."""

from typing import Any

import altair as alt

from tasks.report.style import BLUE, ORANGE, choose_value

AFTER_FIVE = 9999


def draw(rows: list[dict[str, Any]]) -> alt.TopLevelMixin:
    """Return the bars of one index at a time."""
    index = choose_value(rows, "index_code", "R2000")
    return (
        alt.Chart(alt.NamedData("rows"))
        .transform_filter("datum.index_code === index_code")
        .transform_calculate(
            year=f"datum.due_year === {AFTER_FIVE} ? 'later' : toString(datum.due_year)"
        )
        .transform_fold(
            ["other_principal_bn_usd", "zombie_principal_bn_usd"], as_=["owner", "billion"]
        )
        .transform_calculate(
            owner="datum.owner === 'zombie_principal_bn_usd' ? 'zombies' : 'other companies'"
        )
        .mark_bar()
        .encode(
            x=alt.X("year:N", title="calendar year in which it falls due", axis={"labelAngle": 0}),
            y=alt.Y("billion:Q", title="billion USD"),
            color=alt.Color(
                "owner:N",
                title="owed by",
                scale=alt.Scale(domain=["other companies", "zombies"], range=[BLUE, ORANGE]),
            ),
            tooltip=[
                alt.Tooltip("year:N"),
                alt.Tooltip("owner:N", title="owed by"),
                alt.Tooltip("billion:Q", title="billion USD", format=",.2f"),
                alt.Tooltip("companies:Q"),
                alt.Tooltip("debt_coverage_pct:Q", title="% of known debt explained"),
            ],
        )
        .add_params(index)
        .properties(width=700, height=280)
    )
