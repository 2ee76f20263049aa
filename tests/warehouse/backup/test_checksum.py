"""Equal content has equal checksums; different content has different ones."""

import pytest

from expectations import contracts
from expectations.tables import daily_price, index_membership
from warehouse.backup.checksum import TABLES, checksums
from warehouse.connect.connections import connect

PRICES, MEMBERS = daily_price.CONTRACT, index_membership.CONTRACT
DAYS = ("2024-01-02", "2024-01-03", "2024-01-04")
CLOSES = [
    (ticker, day, 10.0 + place + 7 * row)
    for row, ticker in enumerate(("AAA", "BBB", "CCC"))
    for place, day in enumerate(DAYS)
]


def current(settings):
    with connect(settings, "reader") as connection:
        return checksums(connection)


@pytest.fixture(scope="module")
def loaded(module_warehouse, bars, members, merged):
    """Return a warehouse with prices and members."""
    merged(module_warehouse, PRICES, bars(*CLOSES))
    merged(module_warehouse, MEMBERS, members(("AAA", "2024-01-04", 100.0)))
    return module_warehouse


@pytest.fixture
def hypothetical(loaded):
    """Return a function that gives the checksums after a change, which is rolled back."""

    def after(change, *parameters):
        with connect(loaded, "owner") as connection:
            connection.execute(change, parameters or None)
            found = checksums(connection)
            connection.rollback()
        return found

    return after


def test_every_published_table_has_a_checksum(settings):
    assert set(TABLES) == {*contracts(), "ticker"}
    assert [(each.table, each.rows) for each in current(settings)] == [(name, 0) for name in TABLES]


def test_load_order_and_history_do_not_matter(loaded, settings, bars, members, merged):
    merged(settings, MEMBERS, members(("AAA", "2024-01-04", 100.0)))
    merged(settings, PRICES, bars(*((*row[:2], 99.0) for row in CLOSES[::2])))
    for some in (CLOSES[5:], CLOSES[3::-1], CLOSES[4:5]):
        merged(settings, PRICES, bars(*some))
    assert current(settings) == current(loaded)
    rows = {each.table: each.rows for each in current(loaded) if each.rows}
    assert rows == {"daily_price": 9, "index_membership": 1, "ticker": 3}


def test_checksum_is_two_hashes_of_64_bits(loaded):
    digests = [each.digest for each in current(loaded) if each.rows]
    assert all(len(digest) == 32 and digest[:16] != digest[16:] for digest in digests)


@pytest.mark.parametrize(
    "change",
    [
        "update core.daily_price set close = close * (1 + 2.3e-16) where session_date = %s",
        "update core.daily_price set volume = volume + 1 where session_date = %s",
        "update core.daily_price set volume = null where session_date = %s",
        "update core.daily_price set source = 'other' where session_date = %s",
        "update core.daily_price set session_date = '2023-12-29' where session_date = %s",
        "delete from core.daily_price where session_date = %s",
    ],
)
def test_every_change_of_content_changes_the_checksum(loaded, hypothetical, change):
    before, after = current(loaded), hypothetical(change, "2024-01-02")
    assert {each.table for each in {*after} ^ {*before}} == {"daily_price"}
    digests = [{each.table: each.digest for each in some} for some in (before, after)]
    assert digests[0]["daily_price"] != digests[1]["daily_price"]


def test_exchanged_values_change_the_checksum(loaded, hypothetical):
    """Two rows exchange their closes, which a sum per column would not notice."""
    before, after = (
        next(each for each in some if each.table == "daily_price")
        for some in (
            current(loaded),
            hypothetical(
                """
            update core.daily_price as bar set close = other.close
            from core.daily_price as other
            where bar.session_date = other.session_date
                and bar.instrument_id + other.instrument_id = 3
            """
            ),
        )
    )
    assert after.digest != before.digest
    assert after.rows == before.rows


def test_load_time_and_run_are_not_content(loaded, hypothetical):
    change = "update core.daily_price set loaded_at = now(), run_id = 2"
    assert hypothetical(change) == current(loaded)


def test_session_settings_do_not_matter(loaded):
    before = current(loaded)
    with connect(loaded, "reader") as connection:
        connection.execute("set datestyle = 'SQL, DMY'")
        connection.execute("set extra_float_digits = -3")
        connection.execute("set timezone = 'America/New_York'")
        assert checksums(connection) == before
