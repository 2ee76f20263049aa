"""Derived tables.

Refreshes: every derived table, upstream tables first, each from the earliest date whose inputs
changed.
When: after its sources.
Settings: the files in `warehouse/reference` that the tables declare, such as `pair.csv`. A change
of a file, or a name in `rebuild`, derives tables from scratch.
Degrades: a table whose rows break a rule, or cannot be derived, is not published. Its old rows
stay, other tables go on, and the run fails. A claim whose query fails keeps its old row. The next
run derives such a table again.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.derive.incremental.derived_table import DerivationError, derive_table
from tasks.derive.rebuild import DERIVED_TABLES, TABLES, reset_watermarks
from tasks.load.publish import publish, report_failure
from tasks.run.context import open_run
from warehouse.settings import Settings

Table = Annotated[str, Field(json_schema_extra={"enum": [*TABLES]})]


@flow(name="derived")
def refresh_derived(
    rebuild: list[Table] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
) -> State:
    """Derive and publish all derived tables.

    Args:
        rebuild: Tables to derive from scratch, with those downstream.
    """
    settings = Settings()
    with open_run("derived", settings) as run:
        if rebuilt_tables := reset_watermarks(rebuild, settings):
            run.message = f"Derived from scratch: {', '.join(rebuilt_tables)}."
        # upstream tables first
        for table in DERIVED_TABLES.values():
            try:
                derived = derive_table(table, settings)
            except DerivationError as error:
                report_failure(run, f"derived.{table.name}: not derived. {error}")
                continue
            if derived is not None:
                publish(derived, run)
    return run.to_prefect_state()
