"""How many rows a merge reads: as many as its batch has, however many are stored."""

import pandas as pd
import pytest

from expectations.tables import corporate_action, daily_price, index_membership
from tasks.load.load import REFRESH_ADJUSTMENT_FACTORS_SQL
from tasks.run.audit import upsert_quarantine
from tasks.validate.report import QUARANTINE_COLUMNS
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.merge.merge import lock_tables, merge

SESSIONS = [str(day.date()) for day in pd.bdate_range("2022-01-03", periods=1000)]
EX_DATES = SESSIONS[20::20]
# 21,000 rows: below some 10,000 the planner's guess for an unknown table was good enough
BATCHES, TICKERS = 3, 20
# of the transaction: by sequential scans, and by scans of an index
READ_ROWS = """
select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint as rows
from pg_stat_xact_user_tables
"""
UNANALYSED = """
select relname from pg_class
where relpersistence = 't' and relkind = 'r' and reltuples < 0
    and relnamespace = pg_my_temp_schema()
"""


@pytest.fixture
def fill(settings, new_run, bars, actions):
    """Load batches of new tickers; return the rows that each transaction read."""

    def price_frames(batch: int):
        tickers = [f"T{batch}{number:02d}" for number in range(TICKERS)]
        prices = [(ticker, day, 10.0 + batch) for ticker in tickers for day in SESSIONS]
        paid = [(ticker, day, "dividend", 0.1) for ticker in tickers for day in EX_DATES]
        return (daily_price.CONTRACT, bars(*prices)), (corporate_action.CONTRACT, actions(*paid))

    def load(batch: int) -> int:
        frames = price_frames(batch)
        with adbc_connection(settings) as connection:
            loaded_at = lock_tables(connection, [contract for contract, _ in frames])
            run_id = new_run(settings)
            upsert_quarantine(connection, run_id, pd.DataFrame(columns=[*QUARANTINE_COLUMNS]))
            for contract, frame in frames:
                merge(connection, contract, frame, run_id, loaded_at)
            for statement in REFRESH_ADJUSTMENT_FACTORS_SQL.read_text().split("-- next statement"):
                arrow.execute(connection, statement)
            read = int(arrow.read(connection, READ_ROWS)["rows"][0])
            assert arrow.read(connection, UNANALYSED)["relname"].to_list() == []
            connection.commit()
        return read

    return load


def test_a_first_fill_reads_as_much_for_its_last_batch_as_for_its_first(fill) -> None:
    read = [fill(batch) for batch in range(BATCHES)]
    # a nested loop over the batch for each stored action read 50 and 100 times as many
    assert max(read) < 2 * read[0]


def test_a_snapshot_is_compared_with_its_own_rows(settings, new_run, members) -> None:
    for day in pd.bdate_range("2023-01-02", periods=12):
        rows = ((f"M{number:03d}", str(day.date()), 0.1) for number in range(300))
        with adbc_connection(settings) as connection:
            loaded_at = lock_tables(connection, [index_membership.CONTRACT])
            frame = members(*rows)
            merge(connection, index_membership.CONTRACT, frame, new_run(settings), loaded_at)
            read = int(arrow.read(connection, READ_ROWS)["rows"][0])
            assert arrow.read(connection, UNANALYSED)["relname"].to_list() == []
            connection.commit()
        assert read < 60 * 300


def test_a_day_is_compared_with_its_own_day(settings, new_run, bars) -> None:
    read = []
    for days in (SESSIONS, SESSIONS[-1:]):
        frame = bars(*((f"T{number}", day, 10.0) for number in range(TICKERS) for day in days))
        with adbc_connection(settings) as connection:
            loaded_at = lock_tables(connection, [daily_price.CONTRACT])
            merge(connection, daily_price.CONTRACT, frame, new_run(settings), loaded_at)
            read.append(int(arrow.read(connection, READ_ROWS)["rows"][0]))
            connection.commit()
    # the sessions of the calendar and the tickers, and none of the 999 other days
    assert read[1] < 100 * TICKERS
