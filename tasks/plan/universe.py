"""Read the universe: the tickers whose prices are requested."""

from psycopg import Connection

from warehouse.reference import read_reference


def universe(connection: Connection) -> list[str]:
    """Return the newest index members, the legs of all pairs and the watch list; sorted.

    A member is requested under its current ticker, even if its file still has a former one.
    """
    return sorted(
        {*newest_members(connection), *pair_legs(), *read_reference("watch_list")["ticker"]}
    )


def pair_legs() -> list[str]:
    """Return the legs of all pairs, indexes included; sorted."""
    pairs = read_reference("pair")
    return sorted({*pairs["small"], *pairs["large"]})


def newest_members(connection: Connection) -> list[str]:
    """Return the current tickers of the newest index members; in no order."""
    rows = connection.execute(
        """
        select distinct current.ticker
        from core.index_membership as member
        join core.current_ticker as current using (instrument_id)
        where member.as_of_date = (
            select max(newest.as_of_date) from core.index_membership as newest
            where newest.index_code = member.index_code
        )
        """
    ).fetchall()
    return [ticker for (ticker,) in rows]
