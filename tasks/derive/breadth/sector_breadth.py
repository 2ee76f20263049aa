"""sector_breadth: breadth per index, sector and session."""

from collections.abc import Iterable
from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.sector_breadth import CONTRACT
from tasks.derive.breadth.breadth import derive_breadth
from tasks.derive.breadth.counts import LOOKBACK_CLOSES
from tasks.derive.breadth.indicators import IndicatorState
from tasks.derive.incremental.changes import ChangeSet
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.incremental.index_members import (
    ALL_SECTORS,
    CHANGED_SNAPSHOTS_SQL,
    read_snapshots,
)
from warehouse.connect import arrow

MIN_DATE_SQL = "date '0001-01-01'"

# A member's bar counts from its session on, and not before the oldest snapshot that lists it;
# members of the first snapshot count from their first bar.
CHANGED_PRICES_SQL = """
select
    loaded.index_code as subject,
    case
        when listed.as_of_date <= first.as_of_date then change.from_date
        else greatest(change.from_date, listed.as_of_date)
    end as first_date
from derived.loaded_index as loaded
cross join lateral (
    select as_of_date from core.index_membership
    where index_code = loaded.index_code order by known_from, as_of_date desc limit 1
) as first
cross join change
cross join lateral (
    select member.as_of_date
    from core.index_membership as member
    where member.index_code = loaded.index_code and member.instrument_id = change.instrument_id
    order by member.as_of_date limit 1
) as listed
"""
INPUTS = {
    "daily_price": CHANGED_PRICES_SQL,
    # A split restates a member's whole past, which moves the rounding to micro-dollars; its
    # changes are dated before any bar (`change_from`). Cash moves no split-adjusted close.
    "corporate_action": f"""
        with change as (select * from change where from_date < '1900-01-02') {CHANGED_PRICES_SQL}
    """,
    # Sessions before the first snapshot was known have its members.
    "index_membership": f"""
        select
            subject,
            case
                when first_date <= (
                    select min(known_from) from core.index_membership where index_code = subject
                ) then {MIN_DATE_SQL}
                else first_date
            end as first_date
        from ({CHANGED_SNAPSHOTS_SQL}) as changed
    """,
}


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive each index's breadth from the earliest session whose inputs changed."""
    derived, replaced = [], []
    for index_code, start in sorted(changes.dirty_from.items()):
        derived.append(_derive_from(connection, index_code, start))
        replaced.append(
            f"(old.index_code = '{index_code}' and old.session_date >= '{start.isoformat()}')"
        )
    return DerivedRows(pl.concat(derived), " or ".join(replaced))


def _derive_from(connection: adbc.Connection, index_code: str, start: date) -> pl.DataFrame:
    """Return the rows of one index from a date on."""
    snapshots = read_snapshots(connection, index_code, start)
    bars = read_bars(connection, snapshots["instrument_id"].unique().sort(), start)
    previous_session, initial_state = _read_initial_state(
        connection, index_code, [ALL_SECTORS, *snapshots["sector"].drop_nulls().unique()], start
    )
    rows = derive_breadth(bars, snapshots, start, previous_session, initial_state)
    return rows.select(pl.lit(index_code).alias("index_code"), pl.all())


def read_bars(connection: adbc.Connection, instruments: Iterable[int], start: date) -> pl.DataFrame:
    """Return the bars of instruments from a date on, and the closes before it.

    As many as the longest window needs, counted in bars: those of a halted share lie further back.

    Returns:
        One row per bar: `instrument_id`, `session_date`, `close`, `volume`, `split_factor`.
    """
    ids = "'{" + ",".join(map(str, instruments)) + "}'::integer[]"
    # the values are in the text: with parameters, results don't come by COPY
    query = f"""
        select instrument_id, session_date, close, volume from core.daily_price
        where instrument_id = any({ids})
    """
    if start > date.min:
        query += f"""
            and session_date >= '{start.isoformat()}'
            union all
            select bar.* from unnest({ids}) as member(instrument_id)
            cross join lateral (
                select instrument_id, session_date, close, volume from core.daily_price as bar
                where bar.instrument_id = member.instrument_id
                    and bar.session_date < '{start.isoformat()}'
                order by bar.session_date desc limit {LOOKBACK_CLOSES}
            ) as bar
        """
    bars = arrow.read(connection, query).sort("instrument_id", "session_date")
    factors = arrow.read(
        connection,
        f"""
        select instrument_id, ex_date, split_factor from derived.adjustment_factor
        where split_multiplier <> 1 and instrument_id = any({ids})
        order by instrument_id, ex_date
        """,
    )
    return bars.join_asof(
        factors,
        left_on="session_date",
        right_on="ex_date",
        by="instrument_id",
        strategy="forward",
        allow_exact_matches=False,
        check_sortedness=False,
    ).with_columns(pl.col("split_factor").fill_null(1.0))


def _read_initial_state(
    connection: adbc.Connection, index_code: str, sectors: list[str], start: date
) -> tuple[date | None, dict[str, IndicatorState]]:
    """Return the index's last session before `start`, and each sector's state after it."""
    if start == date.min:
        return None, {}
    before = f"""
        stored.index_code = '{index_code}' and stored.sector = requested.sector
            and stored.session_date < '{start.isoformat()}'
    """
    names = ", ".join("('" + sector.replace("'", "''") + "')" for sector in sectors)
    rows = arrow.read(
        connection,
        f"""
        select
            requested.sector, last.session_date, last.ad_line, last.thrust_sessions_since_low,
            defined.mcclellan_ema_19, defined.mcclellan_ema_39,
            coalesce(defined.mcclellan_summation, 0) as mcclellan_summation, defined.thrust_ema_10
        from (values {names}) as requested(sector)
        cross join lateral (
            select * from derived.sector_breadth as stored where {before}
            order by stored.session_date desc limit 1
        ) as last
        left join lateral (
            select * from derived.sector_breadth as stored
            where {before} and stored.thrust_ema_10 is not null
            order by stored.session_date desc limit 1
        ) as defined on true
        """,
    )
    last_sessions = dict(rows.select("sector", "session_date").iter_rows())
    states = rows.drop("session_date").to_dicts()
    return last_sessions.get(ALL_SECTORS), {
        state.pop("sector"): IndicatorState(**state) for state in states
    }


TABLE = DerivedTable(CONTRACT, INPUTS, _derive)
