"""What becomes of derived rows: published whole, refused whole, or dropped as overtaken."""

import json
from dataclasses import replace
from datetime import date

import polars as pl
import psycopg
import pytest

from tasks.derive.incremental.derived_table import derive_table
from tasks.derive.rotation import rotation_metrics
from tasks.load.publish import publish
from tasks.run.context import open_run
from warehouse.connect.connections import connect
from warehouse.connect.dsn import warehouse_dsn

HELD = "select pair, session_date, ratio, loaded_at from published.rotation_metrics order by 1, 2"
FOLLOWED = "select input_table, change_id from audit.derivation order by 1"
NEWEST = "select max(change_id) from audit.change where table_name = 'daily_price'"
DAYS = [f"2024-01-{n:02}" for n in range(2, 12)]


@pytest.fixture
def load_days(settings, bars, load_prices):
    """Loads bars for some of the days: SPY at 20, IWM rising by a dollar a day."""

    def load(days, close=10.0):
        rising = [("IWM", day, close + n) for n, day in enumerate(days)]
        load_prices(settings, bars(*rising, *(("SPY", day, 20.0) for day in days)))

    return load


@pytest.fixture
def publish_alone(settings, alone):
    """Publishes in a run of its own."""

    def publish_in_run(derived):
        with alone(), open_run("derived", settings) as run:
            return publish.fn(derived, run)

    return publish_in_run


def ratio_becomes(derived, ratio):
    return replace(derived, rows=derived.rows.with_columns(ratio=pl.lit(ratio)))


def test_published_rows_are_announced_and_their_inputs_followed(
    settings, load_days, publish_alone, query
):
    load_days(DAYS)
    derived = derive_table.fn(rotation_metrics.TABLE, settings)
    with psycopg.connect(warehouse_dsn(settings, "reader"), autocommit=True) as listener:
        listener.execute("listen rotation_published")
        assert publish_alone(derived)
        heard = [json.loads(n.payload) for n in listener.notifies(timeout=120, stop_after=1)]
    [run_id] = query(settings, "select max(run_id) from audit.run")[0]
    told = {"table": "rotation_metrics", "run_id": run_id}
    assert heard == [told | {"new": len(DAYS), "changed": 0, "same": 0, "removed": 0}]
    assert query(settings, FOLLOWED) == [("corporate_action", 0), ("daily_price", 2)]
    assert query(settings, NEWEST) == [(2,)]
    rows = query(settings, HELD)
    assert [(pair, day, ratio) for pair, day, ratio, _ in rows] == [
        ("IWM/SPY", date.fromisoformat(day), (10 + n) / 20) for n, day in enumerate(DAYS)
    ]
    rules = query(settings, "select count(*), bool_and(success) from audit.validation")
    assert rules[0][0] > 5
    assert rules[0][1]


def test_rows_that_break_a_rule_leave_those_of_yesterday(settings, load_days, publish_alone, query):
    load_days(DAYS[:5])
    publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
    load_days(DAYS, close=20.0)
    before = query(settings, HELD), query(settings, FOLLOWED)
    derived = derive_table.fn(rotation_metrics.TABLE, settings)
    assert derived.rows.height == len(DAYS)
    # nobody stands above it: another table of the same run goes on
    assert not publish_alone(ratio_becomes(derived, -1.0))
    assert (query(settings, HELD), query(settings, FOLLOWED)) == before
    broken = "select rule, unexpected from audit.validation where not success"
    assert query(settings, broken) == [("ratio_not_positive", len(DAYS))]
    last = "select state, detail from audit.run order by run_id desc limit 1"
    [(state, detail)] = query(settings, last)
    assert state == "failed"
    assert detail.startswith("derived.rotation_metrics: validation failed")
    assert "ratio_not_positive" in detail
    # the next derivation is not held up by it
    assert publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
    assert len(query(settings, HELD)) == len(DAYS)


def test_rows_that_the_database_refuses_leave_those_of_yesterday(
    settings, load_days, publish_alone, query
):
    load_days(DAYS[:5])
    publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
    load_days(DAYS[5:])
    before = query(settings, HELD), query(settings, FOLLOWED)
    derived = derive_table.fn(rotation_metrics.TABLE, settings)
    # validation takes it for a text like another
    wrong = replace(derived, rows=derived.rows.with_columns(pair=pl.lit(None, pl.String)))
    with pytest.raises(Exception, match="null value"):
        publish_alone(wrong)
    assert (query(settings, HELD), query(settings, FOLLOWED)) == before


def test_derivation_overtaken_by_one_that_saw_more_is_dropped(
    settings, load_days, publish_alone, query
):
    load_days(DAYS[:5])
    older = derive_table.fn(rotation_metrics.TABLE, settings)
    load_days(DAYS[5:])
    newer = derive_table.fn(rotation_metrics.TABLE, settings)
    assert publish_alone(newer)
    before = query(settings, HELD), query(settings, FOLLOWED)
    assert not publish_alone(ratio_becomes(older, 9.0))
    assert (query(settings, HELD), query(settings, FOLLOWED)) == before
    assert derive_table.fn(rotation_metrics.TABLE, settings) is None


def test_derivation_overtaken_by_one_that_saw_less_is_made_up_for(
    settings, load_days, publish_alone, query
):
    load_days(DAYS[:5])
    older = derive_table.fn(rotation_metrics.TABLE, settings)
    load_days(DAYS[5:])
    newer = derive_table.fn(rotation_metrics.TABLE, settings)
    assert publish_alone(older)
    assert not publish_alone(newer)
    assert len(query(settings, HELD)) == 5
    assert publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
    assert len(query(settings, HELD)) == len(DAYS)


def test_watermark_that_another_run_moved_meanwhile_stays(
    settings, bars, load_prices, load_days, publish_alone, query
):
    """Examined without a row to derive, while another run derives changes that came later."""
    load_days(DAYS[:5])
    publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
    load_prices(settings, bars(("AAPL", DAYS[0], 185.0)))
    older = derive_table.fn(rotation_metrics.TABLE, settings)
    assert older.rows is None
    load_days(DAYS[5:])
    assert publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
    before = query(settings, HELD), query(settings, FOLLOWED)
    assert not publish_alone(older)
    assert (query(settings, HELD), query(settings, FOLLOWED)) == before
    # and the other way round: rows derived before the watermark moved are derived again
    load_prices(settings, bars(("AAPL", DAYS[1], 186.0)))
    older = derive_table.fn(rotation_metrics.TABLE, settings)
    load_days(DAYS, close=30.0)
    newer = derive_table.fn(rotation_metrics.TABLE, settings)
    assert not publish_alone(older)
    assert not publish_alone(newer)
    assert query(settings, HELD) == before[0]
    assert publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
    assert query(settings, HELD)[0][2] == 30 / 20


def test_readers_see_all_of_the_old_rows_or_all_of_the_new(
    settings, load_days, publish_alone, query
):
    load_days(DAYS)
    publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
    load_days(DAYS, close=30.0)
    with connect(settings, "reader") as reader:
        reader.execute("set transaction isolation level repeatable read")
        before = reader.execute(HELD).fetchall()
        # a reader's open snapshot holds no publication up, and sees nothing of it
        publish_alone(derive_table.fn(rotation_metrics.TABLE, settings))
        assert reader.execute(HELD).fetchall() == before
        reader.rollback()
        after = reader.execute(HELD).fetchall()
    assert [row[2] for row in after] == [(30 + n) / 20 for n in range(len(DAYS))]
    assert after == query(settings, HELD)
