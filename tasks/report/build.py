"""Build the report: run the queries, draw the charts and fill the page's template.

The page is self-contained: Vega's scripts and the data of every figure are embedded, and nothing is
requested when it is opened. A figure's data are exactly the rows of its query.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from adbc_driver_postgresql import dbapi as adbc
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tasks.report import charts
from tasks.report.files import write_atomically
from tasks.report.style import Rows, columns_with_values
from tasks.report.vega_script import read_vega_script
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.query_file import QueryFile, read_query_files
from warehouse.settings import Settings

FOLDER = Path(charts.__path__[0])
FIELDS = ("title", "question", "source", "order", "empty")
SUMMARY = "summary"
MAIN_CHARTS = ("rotation_ratio", "breadth_heat_map", "refinancing_wall")
# shown behind a disclosure at the end of a table's row; the last one holds SQL
DETAIL_COLUMNS = (
    "said_by",
    "how_measured",
    "supported_if",
    "contradicted_if",
    "series",
    "threshold",
    "first_met",
    "evidence_query",
)
DATE_COLUMNS = ("as_of_date", "session_date", "vintage_date", "latest_date", "newest_date")
UNITS = {"_million_usd": "million USD", "_bn_usd": "billion USD", "_pct": "%", "_bp": "bp"}

Draw = Callable[[Rows], alt.TopLevelMixin]


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
        file: Its query file.
        columns: The columns of the query's result.
        rows: The result; dates as text.
        spec: The Vega-Lite specification, its data under the name `rows`; None for a table, and
            for a chart without any value.
        without_values: Labels of the chart's series that have no value in any row.
    """

    file: QueryFile
    columns: tuple[str, ...]
    rows: Rows
    spec: dict[str, Any] | None
    without_values: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The figure's stem."""
        return self.file.name

    @property
    def as_of(self) -> str | None:
        """The newest date of the rows; None where they have no date."""
        column = next((name for name in DATE_COLUMNS if name in self.columns), None)
        days = [row[column] for row in self.rows if column and row[column] is not None]
        return max(days, default=None)

    @property
    def table_columns(self) -> list[str]:
        """The columns of its table, without details and without an as-of date that all rows share.

        That date is in the line below the table.
        """
        days = {row.get("as_of_date") for row in self.rows}
        hidden = {*DETAIL_COLUMNS, *(["as_of_date"] if len(days) == 1 else [])}
        return [name for name in self.columns if name not in hidden]

    @property
    def number_columns(self) -> set[str]:
        """The columns that hold numbers; where a value is not known, too."""
        return {
            name
            for name in self.columns
            if any(
                isinstance(row[name], int | float) and not isinstance(row[name], bool)
                for row in self.rows
            )
        }

    @property
    def data(self) -> dict[str, Any]:
        """The rows in the form in which the page embeds them."""
        values = [[row[name] for name in self.columns] for row in self.rows]
        return {"columns": self.columns, "rows": values}


@cache
def query_files() -> tuple[QueryFile, ...]:
    """Return the query files of all figures in the order of the page."""
    files = read_query_files(FOLDER, FIELDS)
    return tuple(sorted(files, key=lambda file: int(file.header["order"])))


def read_figures(connection: adbc.Connection, origin: str | None) -> list[Figure]:
    """Run every query and draw every chart, marked with the origin of its data."""
    found = []
    for file in query_files():
        frame = arrow.read(connection, file.query)
        rows = [{k: _to_json(v) for k, v in row.items()} for row in frame.iter_rows(named=True)]
        spec, without_values = draw_chart(file.name, rows, describe_origin(origin))
        found.append(Figure(file, tuple(frame.columns), rows, spec, without_values))
    return found


def draw_chart(
    name: str, rows: Rows, mark: str | None
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Return a chart's specification, and the labels of its series without values.

    Args:
        name: The chart's stem.
        rows: Its data. Without any value there is no specification, nor for a table.
        mark: Text above the chart; None for live data.
    """
    if not (FOLDER / f"{name}.py").exists() or not rows:
        return None, ()
    module = import_module(f"{charts.__name__}.{name}")
    series: dict[str, str] = module.SERIES
    shown = columns_with_values(rows, series)
    without_values = tuple(label for column, label in series.items() if column not in shown)
    if not shown:
        return None, without_values
    draw: Draw = module.draw
    spec: dict[str, Any] = draw(rows).to_dict()
    # the page and its print style decide colours and fonts
    spec.pop("config", None)
    if mark:
        # part of the drawing, so that it stays with a copy of the picture
        spec["title"] = {"text": mark, "anchor": "end", "fontSize": 12, "fontWeight": "normal"}
    return spec, without_values


def describe_origin(origin: str | None) -> str | None:
    """Return the words that mark figures of a tape; None for live data."""
    if origin is None:
        return None
    kind = "simulated market" if origin.startswith("simulated") else "replayed tape"
    return f"{kind} ({origin})"


def _to_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def main_charts(figures: list[Figure]) -> list[Figure]:
    """Return the three charts that are shown as images, but those without any value."""
    by_name = {figure.name: figure for figure in figures}
    return [by_name[name] for name in MAIN_CHARTS if by_name[name].spec is not None]


def render_png(figure: Figure) -> bytes:
    """Return a chart as an image, for places that show no scripts."""
    assert figure.spec is not None
    spec = name_choices(figure.spec)
    datasets = spec.get("datasets", {}) | {"rows": figure.rows}
    return vl_convert.vegalite_to_png(spec | {"datasets": datasets}, scale=1.5)


def name_choices(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a specification whose title names the pair or index that its lists begin with."""
    title = spec.get("title", {"anchor": "end"})
    chosen = [each["value"] for each in spec.get("params", []) if "bind" in each]
    texts = [*(value for value in chosen if isinstance(value, str)), title.get("text")]
    text = ", ".join(each for each in texts if each)
    return spec | {"title": title | {"text": text}} if text else spec


def render_page(
    figures: list[Figure], origin: str | None, made_at: datetime, vega_script: str
) -> str:
    """Return the page.

    Args:
        figures: In the order of the page, the summary among them.
        origin: The tape's name if the data are simulated or replayed; None for live data.
        made_at: When the page is made.
        vega_script: JavaScript that draws the charts.
    """
    environment = Environment(
        loader=PackageLoader("tasks.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embed"] = _embed
    environment.filters["label"] = label_column
    by_name = {figure.name: figure for figure in figures}
    return environment.get_template("report.html").render(
        summary=[row["sentence"] for row in by_name[SUMMARY].rows],
        figures=[figure for figure in figures if figure.name != SUMMARY],
        mark=describe_origin(origin),
        made_at=made_at.strftime("%Y-%m-%d %H:%M UTC"),
        # a closing tag inside a string would end the page's script
        vega=Markup(vega_script.replace("</script", "<\\/script")),
        detail_columns=DETAIL_COLUMNS,
    )


def label_column(name: str) -> str:
    """Return a column's heading: its name in words, the unit after a comma."""
    for suffix, unit in UNITS.items():
        if name.endswith(suffix):
            return f"{name.removesuffix(suffix).replace('_', ' ')}, {unit}"
    return name.removesuffix("_date").replace("_", " ")


def _embed(value: Any) -> Markup:
    """Return JSON that cannot end the script element around it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def read_origin(connection: adbc.Connection) -> str | None:
    """Return the tape that the data were replayed from; None for live data."""
    found = arrow.read(connection, "select origin from audit.origin")["origin"].to_list()
    return None if not found or found[0] == "live" else str(found[0])


def write_report(settings: Settings, path: Path, made_at: datetime) -> list[Figure]:
    """Write the page to a file, replacing it at once; return its figures."""
    with adbc_connection(settings, "reader") as connection:
        arrow.execute(connection, "set transaction isolation level repeatable read read only")
        origin = read_origin(connection)
        figures = read_figures(connection, origin)
    script = read_vega_script(settings.home / "cache")
    write_atomically(path, render_page(figures, origin, made_at, script))
    return figures
