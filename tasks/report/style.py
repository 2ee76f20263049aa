"""Style that the charts share: colours, time axes and drop-down lists.

The colours are distinct for colour-blind readers and readable on light and dark pages.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt

BLUE, ORANGE, GREEN, RED = "#0072b2", "#d55e00", "#009e73", "#cc3311"
PURPLE, SKY, AMBER, GREY = "#aa4499", "#56b4e9", "#e69f00", "#888888"
CATEGORIES = [BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER, RED, GREY]
REGIMES = {"rotation": BLUE, "concentration": AMBER, "undetermined": GREY}


def time_axis(column: str) -> alt.X:
    """Return an x axis of dates whose labels name the year."""
    axis = alt.Axis(format="%b %Y", labelOverlap="greedy", labelSeparation=12, tickCount=8)
    return alt.X(f"{column}:T", title=None, axis=axis)


def choose_value(rows: Iterable[Mapping[str, Any]], column: str, preferred: str) -> alt.Parameter:
    """Return a drop-down list of a column's values that starts at the preferred one."""
    options = sorted({row[column] for row in rows})
    first = preferred if preferred in options else next(iter(options), None)
    label = f"{column.removesuffix('_code')} "
    return alt.param(column, value=first, bind=alt.binding_select(options=options, name=label))
