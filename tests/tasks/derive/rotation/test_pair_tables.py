"""Tables made from pairs, in the warehouse: any order of loading gives the same rows."""

from collections.abc import Callable

import pandas as pd
import pytest

from tasks.derive.rotation import rotation_metrics, seasonality, streak_record
from tests.tasks.derive.conftest import Market
from tests.tasks.derive.pipeline import House
from warehouse.connect.connections import connect

TABLES = (rotation_metrics, streak_record, seasonality)
NAMES = [module.TABLE.name for module in TABLES]


def content(house: House) -> dict[str, str]:
    digests = house.checksums()
    return {name: digests[name] for name in NAMES}


def rebuild(house: House) -> None:
    with connect(house.settings, "owner") as connection:
        tables = ", ".join(f"derived.{name}" for name in NAMES)
        connection.execute(f"truncate {tables}, audit.derivation")
    house.derive(*TABLES)


@pytest.fixture
def load(house: House, load_prices: Callable[..., object]) -> Callable[..., None]:
    """Loads bars and actions up to a session, and derives."""

    def load_until(market: Market, number: int, skip: pd.Series | None = None) -> None:
        day = pd.Timestamp(market.days[number])
        known = market.bars["session_date"] <= day
        if skip is not None:
            known &= ~skip
        actions = market.actions[market.actions["ex_date"] <= day]
        load_prices(house.settings, market.bars[known], actions)
        house.derive(*TABLES)

    return load_until


@pytest.mark.slow
def test_any_order_of_loading_derives_the_same_rows(
    house: House, market: Market, load: Callable[..., None]
) -> None:
    days = pd.to_datetime([market.days[n] for n in (90, 150, 210)])
    late = (market.bars["ticker"] == "IWM") & market.bars["session_date"].isin(days)
    # a split on 180 and one on 270 restate what was loaded before
    for number in (100, 181, 182, 183, 260, 299):
        load(market, number, late)
    load(market, 299)
    followed = content(house)
    rebuild(house)
    assert content(house) == followed
    for name in NAMES:
        assert house.read(f"select 1 from derived.{name}").height >= 5, name


def test_rows_of_a_removed_pair_move_to_history(
    house: House, market: Market, load: Callable[..., None]
) -> None:
    load(market, 299)
    before = content(house)
    with connect(house.settings, "owner") as connection:
        for name in NAMES[1:]:
            columns = ", ".join(f"{c}" for c in house.read(f"select * from derived.{name}").columns)
            renamed = columns.replace("pair", "'SPY/IWM'", 1)
            connection.execute(
                f"insert into derived.{name} ({columns})"
                f" select {renamed} from derived.{name} where pair = 'IWM/SPY'".encode()
            )
        connection.execute("delete from audit.derivation")
    assert content(house) != before
    house.derive(*TABLES)
    assert content(house) == before
    for name in NAMES[1:]:
        assert house.read(f"select 1 from history.{name} where pair = 'SPY/IWM'").height
