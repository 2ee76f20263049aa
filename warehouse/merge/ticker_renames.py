"""Find renamed tickers in a batch of bars, and write them into the ticker map.

After a rename, Yahoo serves the whole history under the new ticker and drops the old one. So bars
of a ticker without stored bars belong to a stored instrument if they repeat its sessions, closes
and volumes on `RENAME_SESSIONS` sessions. Funds of one index agree in price, but not in volume.
Bars without volume (indexes) are ignored: two tickers of one index may agree on all sessions. And
the instrument must be inactive: if its own ticker still has the newest session, the other ticker
is an alias.
"""

from collections.abc import Iterable
from typing import NamedTuple

from warehouse.connect import arrow
from warehouse.merge.ticker_map import CURRENT_MAPPING_SQL, TickerMapWriter
from warehouse.merge.ticker_search import TickerSearch

RENAME_SESSIONS = 20
# Yahoo corrects single bars, so some stored bars may differ from today's
RENAME_SHARE = 0.95
# newest bars of each instrument that are compared first; candidates are then compared in full
MATCH_BARS = 10
MATCH_DAYS = 14


class _Rename(NamedTuple):
    ticker: str
    own_id: int
    instrument_id: int
    boundary: str
    last_date: str


def find_renames(search: TickerSearch) -> list[str]:
    """Map new tickers to the stored instruments whose bars they repeat.

    Returns:
        The tickers whose rows of the map changed.
    """
    writer = search.writer
    arrow.create_temporary(
        writer.connection,
        "new_ticker",
        f"""
        select listing.ticker, mapping.instrument_id, listing.last_date
        from {search.ticker_dates} as listing
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="listing.ticker")} as mapping
        where not exists (
            select from core.daily_price as bar where bar.instrument_id = mapping.instrument_id
        )
        """,
    )
    new_tickers = arrow.read(writer.connection, "select ticker from new_ticker")["ticker"]
    if new_tickers.is_empty():
        return []
    _stage_latest_responses(search)
    changed: list[str] = []
    renamed_to: dict[int, int] = {}
    for found in _find_matches(search, new_tickers):
        if found.own_id in renamed_to:
            continue  # two instruments match: take the first, the better match
        instrument_id = renamed_to.get(found.instrument_id, found.instrument_id)
        changed += _rename(writer, found._replace(instrument_id=instrument_id))
        renamed_to[found.own_id] = instrument_id
    return changed


def _stage_latest_responses(search: TickerSearch) -> None:
    """Stage the newest session of the run's replies by instrument, quarantined bars included.

    The newest bar of a new ticker may belong to an unfinished session; its date still counts.
    """
    writer = search.writer
    arrow.create_temporary(
        writer.connection,
        "latest_response",
        f"""
        select mapping.instrument_id, max(response.session_date) as last_date
        from (
            select ticker, last_date as session_date from {search.ticker_dates}
            union all
            select key ->> 'ticker', (key ->> 'session_date')::date
            from audit.quarantine
            where last_run_id = {writer.run_id} and table_name = 'daily_price'
        ) as response
        cross join lateral {CURRENT_MAPPING_SQL.format(ticker="response.ticker")} as mapping
        group by mapping.instrument_id
        """,
    )
    arrow.execute(
        writer.connection,
        """
        update new_ticker set last_date = greatest(new_ticker.last_date, latest_response.last_date)
        from latest_response where latest_response.instrument_id = new_ticker.instrument_id
        """,
    )


def _find_matches(search: TickerSearch, new_tickers: Iterable[str]) -> list[_Rename]:
    """Return new tickers with the inactive instruments that they match, oldest rename first."""
    connection, same_bar = search.writer.connection, search.contract.repeats_identity
    arrow.create_temporary(
        connection,
        "inactive_instrument",
        """
        select newest.instrument_id, newest.last_date
        from (
            select instrument.instrument_id,
                greatest(bar.session_date, latest_response.last_date) as last_date
            from core.instrument as instrument
            cross join lateral (
                select session_date from core.daily_price as stored
                where stored.instrument_id = instrument.instrument_id
                order by session_date desc limit 1
            ) as bar
            left join latest_response on latest_response.instrument_id = instrument.instrument_id
            union all
            select instrument_id, last_date from new_ticker
        ) as newest
        where newest.last_date < (select max(last_date) from new_ticker)
        """,
    )
    if arrow.read(connection, "select count(*) as rows from inactive_instrument")["rows"][0] == 0:
        return []
    staged = search.stage_bars(new_tickers)
    arrow.create_temporary(
        connection,
        "rename_candidate",
        f"""
        with newest_bar as (
            select inactive_instrument.*, bar.session_date, bar.close, bar.volume
            from inactive_instrument
            cross join lateral (
                select session_date, close, volume from core.daily_price as stored
                where stored.instrument_id = inactive_instrument.instrument_id
                order by session_date desc limit {MATCH_BARS}
            ) as bar
            union all
            select inactive_instrument.*, bar.session_date, bar.close, bar.volume
            from inactive_instrument
            join new_ticker on new_ticker.instrument_id = inactive_instrument.instrument_id
            join {staged} as bar on bar.ticker = new_ticker.ticker
                and bar.session_date > inactive_instrument.last_date - {MATCH_DAYS}
        )
        select distinct new_ticker.ticker, new_ticker.instrument_id as own_id, new_ticker.last_date,
            old.instrument_id, old.last_date as inactive_from
        from newest_bar as old
        join {staged} as new on new.session_date = old.session_date
        join new_ticker on new_ticker.ticker = new.ticker and new_ticker.last_date > old.last_date
        where {same_bar} and new.volume > 0
        """,
    )
    found = arrow.read(
        connection,
        f"""
        with candidate_bar as (
            select rename_candidate.*, bar.session_date, bar.close, bar.volume
            from rename_candidate
            join core.daily_price as bar on bar.instrument_id = rename_candidate.instrument_id
            union all
            select rename_candidate.*, bar.session_date, bar.close, bar.volume
            from rename_candidate
            join new_ticker on new_ticker.instrument_id = rename_candidate.instrument_id
            join {staged} as bar on bar.ticker = new_ticker.ticker
        )
        select old.ticker, old.own_id, old.instrument_id,
            coalesce(
                (
                    select min(session_date) from core.session
                    where core.session.session_date > old.inactive_from
                ),
                old.inactive_from + 1
            )::text as boundary,
            old.last_date::text as last_date
        from candidate_bar as old
        join {staged} as new on new.ticker = old.ticker and new.session_date = old.session_date
        group by old.ticker, old.own_id, old.instrument_id, old.inactive_from, old.last_date
        having count(*) filter (where {same_bar} and new.volume > 0) >= {RENAME_SESSIONS}
            and count(*) filter (where {same_bar}) >= {RENAME_SHARE} * count(*)
        order by old.last_date, old.ticker,
            count(*) filter (where {same_bar}) desc, old.inactive_from desc, old.instrument_id
        """,
    )
    return [_Rename(*row) for row in found.iter_rows()]


def _rename(writer: TickerMapWriter, found: _Rename) -> list[str]:
    """End the instrument's former ticker where the new ticker begins."""
    mapping = arrow.read(
        writer.connection,
        """
        select former.ticker, former.valid_from::text as valid_from,
            greatest($1::date, own.valid_from)::text as boundary
        from (
            select * from core.ticker where instrument_id = $2
            order by valid_from desc limit 1
        ) as former
        cross join lateral (
            select valid_from from core.ticker where instrument_id = $3
            order by valid_from desc limit 1
        ) as own
        """,
        (found.boundary, found.instrument_id, found.own_id),
    )
    former, valid_from, boundary = mapping.row(0)
    writer.remove_instrument(found.own_id)
    writer.close_validity(former, valid_from, boundary)
    writer.insert_row(found.ticker, boundary, "infinity", found.instrument_id)
    return [former, found.ticker]
