"""Make the report at the end of a run, and show its summary and charts in Prefect's UI."""

from base64 import b64encode

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from tasks.report.build import SUMMARY, Figure, main_charts, render_png, write_report
from tasks.report.path import report_path
from tasks.run.artifact import upsert_artifact
from tasks.run.clock import now
from warehouse.settings import Settings


@task(name="make report", cache_policy=NO_CACHE)
def make_report(settings: Settings) -> None:
    """Write the report, and its summary as the artifact `report`."""
    path = report_path(settings)
    figures = write_report(settings, path, now(settings))
    get_run_logger().info("Report written to %s", path)
    upsert_artifact(
        create_markdown_artifact,
        key="report",
        markdown=_markdown(figures, path.as_uri()),
        description="The rotation today: summary and main charts.",
    )


def _markdown(figures: list[Figure], address: str) -> str:
    by_name = {figure.name: figure for figure in figures}
    lines = [f"- {row['sentence']}" for row in by_name[SUMMARY].rows]
    images = [
        f"### {figure.file.header['title']}\n\n"
        f"![{figure.file.header['title']}](data:image/png;base64,"
        f"{b64encode(render_png(figure)).decode()})"
        for figure in main_charts(figures)
    ]
    return "\n\n".join(["\n".join(lines), *images, f"The whole report: {address}"])
