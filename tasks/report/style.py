"""Style that the charts share: colours, time axes and drop-down lists.

The colours are distinct for colour-blind readers and readable on light and dark pages.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt

BLUE, ORANGE, GREEN, RED = "#0072b2", "#d55e00", "#009e73", "#cc3311"
PURPLE, SKY, AMBER, GREY = "#aa4499", "#56b4e9", "#e69f00", "#888888"
CATEGORIES = [BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER, RED, GREY]
# eleven sectors need more than eight colours: colour and shape together are unique
SHAPES = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "triangle-left"]
REGIMES = {"rotation": BLUE, "concentration": AMBER, "undetermined": GREY}

Rows = list[dict[str, Any]]


def time_axis(column: str) -> alt.X:
    """Return an x axis of dates whose labels name the year."""
    axis = alt.Axis(format="%b %Y", labelOverlap="greedy", labelSeparation=12, tickCount=8)
    return alt.X(f"{column}:T", title=None, axis=axis)


def columns_with_values(rows: Rows, columns: Iterable[str]) -> list[str]:
    """Return the columns that have a value in any row; Vega cannot scale the others."""
    return [name for name in columns if any(row[name] is not None for row in rows)]


def choose_value(
    rows: Iterable[Mapping[str, Any]], column: str, preferred: str, series: Iterable[str] = ()
) -> alt.Parameter:
    """Return a drop-down list of a column's values that starts at the preferred one.

    Args:
        rows: Of the figure.
        column: Whose values are listed.
        preferred: The value to start with, if it is listed.
        series: If given, values without any number in these columns are not listed.
    """
    columns = [*series]
    options = sorted(
        {
            row[column]
            for row in rows
            if not columns or any(row[name] is not None for name in columns)
        }
    )
    first = preferred if preferred in options else next(iter(options), None)
    label = f"{column.removesuffix('_code').replace('_', ' ')} "
    return alt.param(column, value=first, bind=alt.binding_select(options=options, name=label))
