"""References that are checked once per statement: they refuse what a foreign key refuses."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.deployments.conftest import wait
from warehouse.connect.connections import connect

BAR = """
insert into core.daily_price
select {instrument}, date '2024-01-02', 1, 1, 1, 1, 1, 'test', now(), {run}
"""


@pytest.fixture
def parents(settings, new_run):
    """Return the numbers of an instrument and a run."""
    with connect(settings) as connection:
        row = connection.execute(
            "insert into core.instrument (first_ticker) values ('AAA') returning instrument_id"
        ).fetchone()
    return {"instrument": row[0], "run": new_run(settings)}


@pytest.mark.parametrize("missing", ["instrument", "run"])
def test_row_without_its_parent_is_refused(settings, parents, missing):
    broken = parents | {missing: 999_999}
    with connect(settings) as connection:
        with pytest.raises(
            psycopg.errors.ForeignKeyViolation, match="999999, which does not exist"
        ):
            connection.execute(BAR.format(**broken))
        connection.rollback()
        connection.execute(BAR.format(**parents))
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute(f"update core.daily_price set {missing}_id = 999999")
        connection.rollback()


def test_parent_of_stored_rows_cannot_be_deleted(settings, parents):
    with connect(settings) as connection:
        connection.execute(BAR.format(**parents))
    for table, key in (("core.instrument", "instrument"), ("audit.run", "run")):
        with (
            connect(settings, "owner") as connection,
            pytest.raises(psycopg.errors.ForeignKeyViolation),
        ):
            connection.execute(f"delete from {table} where {key}_id = {parents[key]}")


def test_parent_cannot_be_deleted_before_new_rows_commit(settings, parents):
    delete = f"delete from core.instrument where instrument_id = {parents['instrument']}"

    def delete_parent() -> None:
        with connect(settings) as connection:
            connection.execute(delete)

    with ThreadPoolExecutor() as pool:
        with connect(settings) as connection:
            connection.execute(BAR.format(**parents))
            deletion = pool.submit(delete_parent)
            # the rows commit once the other session waits for their lock
            waits = "select exists (select from pg_locks where not granted)"
            wait(lambda: connection.execute(waits).fetchone()[0], 60)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            deletion.result()


def test_statistics_are_collected_when_a_table_doubles(settings, parents, query):
    with connect(settings) as connection:
        connection.execute(
            f"""
            insert into core.daily_price
            select {parents["instrument"]}, date '1900-01-01' + n, 1, 1, 1, 1, 1, 'test', now(),
                {parents["run"]}
            from generate_series(1, 5000) as n
            """
        )
        connection.execute("select history.analyze_grown('core.daily_price')")
    rows = "select reltuples from pg_class where oid = 'core.daily_price'::regclass"
    assert query(settings, rows) == [(5000,)]


def test_statistics_of_a_table_may_be_of_gigabytes(settings, query):
    pages = "pg_restore_relation_stats('schemaname', 'core', 'relname', 'daily_price', 'relpages'"
    with connect(settings, "owner") as connection:
        connection.execute(f"select {pages}, 10000000)")
        connection.execute("select history.analyze_grown('core.daily_price')")
    stored = "select relpages from pg_class where oid = 'core.daily_price'::regclass"
    assert query(settings, stored) == [(10_000_000,)]
