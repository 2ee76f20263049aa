"""Derive the tables of schema `derived` from changed inputs, and publish them.

Refreshes: all derived tables, each from the earliest session whose inputs changed, upstream first.
When: after its sources.
Settings: the files in `warehouse/reference`. A changed file, or a name in `rebuild`, rebuilds the
tables that depend on it.
Degrades: a table whose rows break a rule is not published: its last rows stay, independent tables
go on, and the run fails.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.derive.incremental.derived_table import derive
from tasks.derive.rebuild import reset_watermarks
from tasks.derive.registry import DERIVED_TABLES, derived_tables
from tasks.load.publish import publish
from tasks.run.context import open_run
from warehouse.settings import Settings

Table = Annotated[str, Field(json_schema_extra={"enum": [*DERIVED_TABLES]})]


@flow(name="derived")
def refresh_derived(
    rebuild: list[Table] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
) -> State:
    """Derive and publish all derived tables.

    Args:
        rebuild: Tables to rebuild from scratch, with the tables downstream of them.
    """
    settings = Settings()
    with open_run("derived", settings) as run:
        if rebuilt_tables := reset_watermarks(rebuild, settings):
            run.message = f"Rebuilt from scratch: {', '.join(rebuilt_tables)}."
        for table in derived_tables().values():
            publish(derive(table, settings), run)
    return run.to_prefect_state()
