"""Member counts that a holdings file is compared with."""

from datetime import date

import pandas as pd
import pytest

from expectations.tables import index_membership
from tasks.extract.ishares.extract import HoldingsRequest
from tasks.load.load import load
from tasks.plan.holdings import read_stored_snapshots

SIZES = {"2024-06-03": 3, "2024-06-04": 2, "2024-06-05": 4}


@pytest.fixture
def snapshots(settings, fetches, checked, new_run):
    """Three snapshots of the Russell 2000."""
    for day, size in SIZES.items():
        members = pd.DataFrame({"ticker": [f"T{n}" for n in range(size)]}).assign(
            index_code="R2000", as_of_date=pd.Timestamp(day), name="A", sector=None,
            known_from=pd.Timestamp(day) + pd.Timedelta(days=1), exchange="NYSE",
            weight_pct=100 / size, weight_pct_filed=None, shares=1.0, price_usd=None, fund="IWM",
            market_value_usd=1.0, source="test", cusip=None, isin=None, lei=None,
        )  # fmt: skip
        load.fn(fetches(), [checked(index_membership.CONTRACT, members)], new_run(settings).writer)
    return settings


@pytest.mark.parametrize(
    ("fund", "requested", "received", "previous"),
    [
        ("IWM", None, "2024-06-06", 4),
        ("IWM", None, "2024-06-05", 2),
        ("IWM", None, "2024-06-03", None),
        ("IWM", "2024-06-05", "2024-06-05", 2),
        ("IWM", "2024-06-03", "2024-06-03", None),
        ("IVV", None, "2024-06-06", None),
    ],
)
def test_a_file_is_compared_with_the_newest_snapshot_before_it(
    snapshots, fund, requested, received, previous
):
    request = HoldingsRequest(fund, requested and date.fromisoformat(requested))
    batch = read_stored_snapshots([request], snapshots)
    assert batch.previous_member_count(date.fromisoformat(received)) == previous
