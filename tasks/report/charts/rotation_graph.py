"""Draw the relative rotation graph: strength against momentum, with weekly tails."""

import altair as alt

from tasks.report.style import CATEGORIES, GREY, SHAPES, Rows

SERIES = {"rs_ratio": "relative strength", "rs_momentum": "momentum"}
# name, x and y in the corner of its quadrant
QUADRANTS = (("improving", 0, 0), ("leading", 1, 0), ("lagging", 0, 1), ("weakening", 1, 1))


def draw(rows: Rows) -> alt.TopLevelMixin:
    """Return the chart: all pairs, all sector funds or one of them; quadrants around 100."""
    kinds, names = (sorted({row[column] for row in rows}) for column in ("kind", "name"))
    choices = alt.binding_select(options=[*kinds, *names], name="show ")
    show = alt.param("show", value=kinds[0], bind=choices)
    highlight = alt.selection_point(fields=["name"], on="pointerover", empty=True, name="hover")
    base = (
        alt.Chart(alt.NamedData("rows"))
        .transform_filter("datum.kind === show || datum.name === show")
        .transform_calculate(
            label="datum.name !== show ? ''"
            " : datum.weeks_ago === 1 ? datum.name : datum.weeks_ago - 1 + ' w'"
        )
    )
    # room for the names in the corners
    scale = alt.Scale(zero=False, nice=False, padding=28)
    x = alt.X("rs_ratio:Q", title="relative strength (100: trend)", scale=scale)
    y = alt.Y("rs_momentum:Q", title="momentum (100: unchanged)", scale=scale)
    x, y = x.axis(tickCount=8), y.axis(tickCount=8)
    colors = alt.Scale(range=CATEGORIES)
    # One legend, of the heads: it shows colour and shape. A channel without a legend would take the
    # colours out of it, so the tails have channels of their own.
    color = alt.Color("name:N", title=None, scale=colors)
    stroke = alt.Stroke("name:N", legend=None, scale=colors)
    fill = alt.Fill("name:N", legend=None, scale=colors)
    shape = alt.Shape("name:N", title=None, scale=alt.Scale(range=SHAPES))
    opacity = alt.condition(highlight, alt.value(1), alt.value(0.12))
    tooltip = [
        alt.Tooltip("name:N"),
        alt.Tooltip("session_date:T", title="session"),
        alt.Tooltip("rs_ratio:Q", title="relative strength", format=".2f"),
        alt.Tooltip("rs_momentum:Q", title="momentum", format=".2f"),
        alt.Tooltip("quadrant:N"),
    ]
    lines = base.mark_line(strokeWidth=1.5).encode(
        x=x, y=y, stroke=stroke, order="session_date:T", opacity=opacity
    )
    dots = base.mark_circle(size=22).encode(x=x, y=y, fill=fill, opacity=opacity, tooltip=tooltip)
    newest = base.transform_filter("datum.weeks_ago === 1")
    heads = newest.mark_point(size=130, filled=True).encode(
        x=x, y=y, color=color, shape=shape, opacity=opacity, tooltip=tooltip
    )
    # names of all would cover one another; the legend has them
    labels = base.mark_text(align="left", dx=8, dy=-6, fontSize=11).encode(x=x, y=y, text="label:N")
    vertical = newest.mark_rule(color=GREY).encode(x=alt.datum(100))
    horizontal = newest.mark_rule(color=GREY).encode(y=alt.datum(100))
    return (
        alt.layer(vertical, horizontal, *_quadrants(), lines, dots, heads, labels)
        .add_params(highlight, show)
        .properties(width=700, height=420)
    )


def _quadrants() -> list[alt.Chart]:
    found = []
    for name, right, bottom in QUADRANTS:
        mark = alt.Chart(alt.Data(values=[{}])).mark_text(  # type: ignore[no-untyped-call]
            text=name,
            align="right" if right else "left",
            baseline="bottom" if bottom else "top",
            fontSize=13,
            fontStyle="italic",
            opacity=0.75,
        )
        place = {
            "x": alt.value(alt.expr("width - 8" if right else "8")),
            "y": alt.value(alt.expr("height - 8" if bottom else "8")),
        }
        found.append(mark.encode(**place))
    return found
