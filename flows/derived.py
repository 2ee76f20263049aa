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

from tasks.derive.breadth.index_concentration import derive_index_concentration
from tasks.derive.breadth.sector_breadth import derive_sector_breadth
from tasks.derive.rebuild import TABLES, reset_watermarks
from tasks.derive.refinancing.company_refinancing import derive_company_refinancing
from tasks.derive.refinancing.debt_maturity import derive_debt_maturity
from tasks.derive.refinancing.rate_shock import derive_rate_shock
from tasks.derive.refinancing.refinancing_wall import derive_refinancing_wall
from tasks.derive.refinancing.zombie_status import derive_zombie_status
from tasks.derive.rotation.rotation_metrics import derive_rotation_metrics
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
        publish(derive_rotation_metrics(settings), run)
        publish(derive_index_concentration(settings), run)
        publish(derive_sector_breadth(settings), run)
        publish(derive_debt_maturity(settings), run)
        publish(derive_company_refinancing(settings), run)
        # after the two that they are made of
        publish(derive_refinancing_wall(settings), run)
        publish(derive_rate_shock(settings), run)
        publish(derive_zombie_status(settings), run)
    return run.to_prefect_state()
