"""Name the file of the report."""

from pathlib import Path

from warehouse.settings import Settings


def report_path(settings: Settings) -> Path:
    """Return where a warehouse's report is written: one file per data origin."""
    return settings.home.absolute() / "reports" / f"{settings.origin}.html"
