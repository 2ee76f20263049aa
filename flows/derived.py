"""Derived tables.

Refreshes: `rotation_metrics`, `index_concentration` and `sector_breadth`, and those of refinancing:
`debt_maturity`, `company_refinancing`, `refinancing_wall`, `rate_shock` and `zombie_status`; each
from the earliest session whose inputs changed.
When: after its sources.
Settings: `warehouse/reference/pair.csv`, `concept.csv` and `market_rate.csv`.
A changed reference file, or a name in `rebuild`, has tables derived from scratch.
Degrades: a table whose rows break a rule is not published; yesterday's rows stand, the tables that
are not made of it go on, and the run fails.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.derive.incremental.derived_table import derive_table
from tasks.derive.rebuild import DERIVED_TABLES, TABLES, reset_watermarks
from tasks.load.publish import publish
from tasks.run.context import open_run
from warehouse.settings import Settings

Table = Annotated[str, Field(json_schema_extra={"enum": [*TABLES]})]


@flow(name="derived")
def refresh_derived(
    rebuild: list[Table] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
) -> State:
    """Derives and publishes all derived tables.

    Args:
        rebuild: Tables to derive from scratch, with those that are made of them.
    """
    settings = Settings()
    with open_run("derived", settings) as run:
        if rebuilt_tables := reset_watermarks(rebuild, settings):
            run.message = f"Derived from scratch: {', '.join(rebuilt_tables)}."
        # upstream tables first
        for table in DERIVED_TABLES.values():
            publish(derive_table(table, settings), run)
    return run.to_prefect_state()
