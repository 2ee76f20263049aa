"""Finds renamed symbols in a batch of bars, and writes them into the ticker map.

The vendor shows the whole history of both symbols under the new one and no longer knows
the old one. So bars under a ticker that has none yet are a held instrument's when they repeat its
sessions, closes and volumes: an exact match on `RENAME_SESSIONS` sessions is no accident. Funds
of one index come close in price, never in volume; without volume (indexes) nothing is concluded,
for two symbols of one index may be equal for ever. And the instrument must have fallen silent:
while its own symbol still brings the newest session, the other one is an alias.
"""

from typing import NamedTuple

from expectations.tables import daily_price
from warehouse.connect import arrow
from warehouse.merge.ticker_map import CURRENT_MAPPING_SQL, TickerMapWriter

RENAME_SESSIONS = 20
# the vendor corrects single bars: some of those held may differ from today's
RENAME_SHARE = 0.95
# Which instruments to compare in full is told by their newest bars.
MATCH_BARS = 10
TAIL_DAYS = 14

# SQL: a staged bar (`new`) repeats a held one (`old`).
SAME_BAR = " and ".join(
    f"({column.equal_when})"
    for column in daily_price.CONTRACT.columns
    if column.name in ("close", "volume")
)


class _Rename(NamedTuple):
    ticker: str
    own_id: int
    instrument_id: int
    boundary: str
    last_date: str


def find_renames(writing: TickerMapWriter, incoming: str) -> list[str]:
    """Lets new tickers whose bars are a held instrument's name that instrument.

    Args:
        writing: On the map; every ticker of the batch is in it.
        incoming: The relation of the staged bars.

    Returns:
        The tickers whose rows of the map changed.
    """
    connection = writing.connection
    arrow.execute(
        connection,
        f"""
        create temporary table new_ticker on commit drop as
        select listing.ticker, names.instrument_id, listing.last_date
        from (
            select ticker, max(session_date) as last_date from {incoming} group by ticker
        ) as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as names
        where not exists (
            select from core.daily_price as bar where bar.instrument_id = names.instrument_id
        )
        """,
    )
    if arrow.read(connection, "select count(*) as rows from new_ticker")["rows"][0] == 0:
        return []
    _stage_latest_responses(writing, incoming)
    touched: list[str] = []
    became: dict[int, int] = {}
    for found in _matches(writing, incoming):
        if found.own_id in became:
            continue  # two instruments match: the first, which matches best, has it
        instrument_id = became.get(found.instrument_id, found.instrument_id)
        touched += _rename(writing, found._replace(instrument_id=instrument_id))
        became[found.own_id] = instrument_id
    return touched


def _stage_latest_responses(writing: TickerMapWriter, incoming: str) -> None:
    """Says until when the run's replies reach, by instrument, bars set aside included.

    The newest bar under a new symbol may be an unfinished session's: it tells all the same.
    """
    arrow.execute(
        writing.connection,
        f"""
        create temporary table replied on commit drop as
        select names.instrument_id, max(seen.session_date) as last_date
        from (
            select ticker, max(session_date) as session_date from {incoming} group by ticker
            union all
            select key ->> 'ticker', (key ->> 'session_date')::date
            from audit.quarantine
            where last_run_id = {writing.run_id} and table_name = 'daily_price'
        ) as seen
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="seen.ticker")} as names
        group by names.instrument_id
        """,
    )
    arrow.execute(
        writing.connection,
        """
        update new_ticker set last_date = greatest(new_ticker.last_date, replied.last_date)
        from replied where replied.instrument_id = new_ticker.instrument_id
        """,
    )


def _matches(writing: TickerMapWriter, incoming: str) -> list[_Rename]:
    """Newcomers and the silent instruments whose bars they bring, the earliest rename first."""
    connection = writing.connection
    arrow.execute(
        connection,
        """
        create temporary table silent on commit drop as
        select newest.instrument_id, newest.last_date
        from (
            select instrument.instrument_id,
                greatest(bar.session_date, replied.last_date) as last_date
            from core.instrument as instrument
            cross join lateral (
                select session_date from core.daily_price as held
                where held.instrument_id = instrument.instrument_id
                order by session_date desc limit 1
            ) as bar
            left join replied on replied.instrument_id = instrument.instrument_id
            union all
            select instrument_id, last_date from new_ticker
        ) as newest
        where newest.last_date < (select max(last_date) from new_ticker)
        """,
    )
    if arrow.read(connection, "select count(*) as rows from silent")["rows"][0] == 0:
        return []
    arrow.execute(
        connection,
        f"""
        create temporary table suspect on commit drop as
        with tail as (
            select silent.*, bar.session_date, bar.close, bar.volume
            from silent
            cross join lateral (
                select session_date, close, volume from core.daily_price as held
                where held.instrument_id = silent.instrument_id
                order by session_date desc limit {MATCH_BARS}
            ) as bar
            union all
            select silent.*, bar.session_date, bar.close, bar.volume
            from silent
            join new_ticker on new_ticker.instrument_id = silent.instrument_id
            join {incoming} as bar on bar.ticker = new_ticker.ticker
                and bar.session_date > silent.last_date - {TAIL_DAYS}
        )
        select distinct new_ticker.ticker, new_ticker.instrument_id as own_id, new_ticker.last_date,
            old.instrument_id, old.last_date as silent_from
        from tail as old
        join {incoming} as new on new.session_date = old.session_date
        join new_ticker on new_ticker.ticker = new.ticker and new_ticker.last_date > old.last_date
        where {SAME_BAR} and new.volume > 0
        """,
    )
    found = arrow.read(
        connection,
        f"""
        with held as (
            select suspect.*, bar.session_date, bar.close, bar.volume
            from suspect
            join core.daily_price as bar on bar.instrument_id = suspect.instrument_id
            union all
            select suspect.*, bar.session_date, bar.close, bar.volume
            from suspect
            join new_ticker on new_ticker.instrument_id = suspect.instrument_id
            join {incoming} as bar on bar.ticker = new_ticker.ticker
        )
        select old.ticker, old.own_id, old.instrument_id,
            coalesce(
                (
                    select min(session_date) from core.session
                    where core.session.session_date > old.silent_from
                ),
                old.silent_from + 1
            )::text as boundary,
            old.last_date::text as last_date
        from held as old
        join {incoming} as new on new.ticker = old.ticker and new.session_date = old.session_date
        group by old.ticker, old.own_id, old.instrument_id, old.silent_from, old.last_date
        having count(*) filter (where {SAME_BAR} and new.volume > 0) >= {RENAME_SESSIONS}
            and count(*) filter (where {SAME_BAR}) >= {RENAME_SHARE} * count(*)
        order by old.last_date, old.ticker,
            count(*) filter (where {SAME_BAR}) desc, old.silent_from desc, old.instrument_id
        """,
    )
    return [_Rename(*row) for row in found.iter_rows()]


def _rename(writing: TickerMapWriter, found: _Rename) -> list[str]:
    """Ends the instrument's newest symbol where the new one begins."""
    begins = arrow.read(
        writing.connection,
        f"""
        select former.ticker, former.valid_from::text as valid_from,
            greatest(date '{found.boundary}', own.valid_from)::text as boundary
        from (
            select * from core.ticker where instrument_id = {found.instrument_id}
            order by valid_from desc limit 1
        ) as former
        cross join lateral (
            select valid_from from core.ticker where instrument_id = {found.own_id}
            order by valid_from desc limit 1
        ) as own
        """,
    )
    former, valid_from, boundary = begins.row(0)
    writing.remove_instrument(found.own_id)
    writing.end(former, valid_from, boundary)
    writing.name(found.ticker, boundary, "infinity", found.instrument_id)
    return [former, found.ticker]
