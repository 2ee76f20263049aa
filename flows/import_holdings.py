"""Load index members from a holdings file that was saved with a browser.

Refreshes: `index_membership` of one fund, for the date in the file.
When: by hand, if iShares refuses automatic requests: `rotation import-holdings FILE --fund IWM`.
Settings: `warehouse/reference/fund.csv`.
Degrades: never; a file that is unusable or of another fund fails the run with its reason.
"""

from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.extract.ishares.extract import HoldingsRequest
from tasks.ingest import ingest, ishares_holdings
from tasks.run.context import open_run
from warehouse.settings import Settings

Fund = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,12}$")]


@flow(name="import-holdings")
def import_holdings(file: Path, fund: Fund) -> State:
    """Ingest a saved holdings file as if it had been downloaded.

    Args:
        file: The file.
        fund: The fund that it is of.
    """
    settings = Settings()
    with open_run("holdings", settings, provider="ishares") as run:
        ingest(ishares_holdings(settings), [HoldingsRequest(fund, saved_file=file)], run)
    return run.to_prefect_state()
