"""Build the report: run the queries, draw the charts and fill the page's template.

The page is self-contained: Vega's scripts and the data of every figure are embedded, and nothing is
requested when it is opened. A figure's data are exactly the rows of its query.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from adbc_driver_postgresql import dbapi as adbc
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tasks.report import charts
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.query_file import QueryFile, read_query_files
from warehouse.settings import Settings

FOLDER = Path(charts.__path__[0])
FIELDS = ("title", "question", "source", "order")
SUMMARY = "summary"
# columns that hold SQL: shown behind a disclosure, not as a cell
QUERY_COLUMN = "evidence_query"
DATE_COLUMNS = ("as_of_date", "session_date", "observation_date", "latest_date")

Rows = list[dict[str, Any]]
Draw = Callable[[Rows], alt.TopLevelMixin]


@dataclass(frozen=True)
class Figure:
    """A figure of the report.

    Attributes:
        file: Its query file.
        columns: The columns of the query's result.
        rows: The result; dates as text.
        spec: The Vega-Lite specification, its data under the name `rows`; None for a table.
    """

    file: QueryFile
    columns: tuple[str, ...]
    rows: Rows
    spec: dict[str, Any] | None

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
    def data(self) -> dict[str, Any]:
        """The rows in the form in which the page embeds them."""
        values = [[row[name] for name in self.columns] for row in self.rows]
        return {"columns": self.columns, "rows": values}


@cache
def query_files() -> tuple[QueryFile, ...]:
    """Return the query files of all figures in the order of the page."""
    files = read_query_files(FOLDER, FIELDS)
    return tuple(sorted(files, key=lambda file: int(file.header["order"])))


def read_figures(connection: adbc.Connection) -> list[Figure]:
    """Run every query and draw every chart."""
    found = []
    for file in query_files():
        frame = arrow.read(connection, file.query)
        rows = [{k: _to_json(v) for k, v in row.items()} for row in frame.iter_rows(named=True)]
        found.append(Figure(file, tuple(frame.columns), rows, _draw(file.name, rows)))
    return found


def _draw(name: str, rows: Rows) -> dict[str, Any] | None:
    if not (FOLDER / f"{name}.py").exists() or not rows:
        return None
    draw: Draw = import_module(f"{charts.__name__}.{name}").draw
    spec: dict[str, Any] = draw(rows).to_dict()
    # the page and its print style decide colours and fonts
    spec.pop("config", None)
    spec["description"] = name.replace("_", " ")
    return spec


def _to_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def render_png(figure: Figure) -> bytes:
    """Return a chart as an image, for places that show no scripts."""
    assert figure.spec is not None
    spec = figure.spec | {"datasets": {"rows": figure.rows}}
    return vl_convert.vegalite_to_png(spec, scale=1.5)


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
    by_name = {figure.name: figure for figure in figures}
    return environment.get_template("report.html").render(
        summary=[row["sentence"] for row in by_name[SUMMARY].rows],
        figures=[figure for figure in figures if figure.name != SUMMARY],
        origin=origin,
        made_at=made_at.strftime("%Y-%m-%d %H:%M UTC"),
        # a closing tag inside a string would end the page's script
        vega=Markup(vega_script.replace("</script", "<\\/script")),
        query_column=QUERY_COLUMN,
    )


def read_vega_script(folder: Path) -> str:
    """Return the scripts of Vega, bundled once per version: that takes seconds."""
    path = folder / f"vega-{version('vl-convert-python')}.js"
    if not path.exists():
        _write(path, vl_convert.javascript_bundle())  # type: ignore[call-arg]
    return path.read_text(encoding="utf-8")


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
    with adbc_connection(settings) as connection:
        arrow.execute(connection, "set transaction isolation level repeatable read read only")
        figures, origin = read_figures(connection), read_origin(connection)
    script = read_vega_script(settings.home / "cache")
    _write(path, render_page(figures, origin, made_at, script))
    return figures


def _write(path: Path, text: str) -> None:
    """Write a file at once: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
