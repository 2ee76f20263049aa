"""Walls of a warehouse from before they told the day of their members."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from warehouse.backup.backup import BACKED_UP_SCHEMAS
from warehouse.connect.connections import connect
from warehouse.schema.migrate import ensure_up_to_date, migrate_to, owner_engine
from warehouse.schema.views import VIEW_SCHEMAS
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

BEFORE = "0026"
# when the warehouse came to hold what
FIRST, SECOND, LATE, LAST = (f"2024-07-0{day} 12:00+00" for day in (1, 2, 3, 4))
MEMBERS = [
    ("2024-01-02", "2024-01-03", FIRST),
    ("2024-05-21", "2024-05-22", FIRST),
    ("2024-06-20", "2024-06-21", LATE),
]
WALL = """
insert into {schema}.refinancing_wall (
    index_code, sector, as_of_date, due_year, principal_usd, companies, principal_with_rate_usd,
    zombie_principal_usd, members, members_with_debt, members_with_ladder,
    members_with_excluded_ladder, total_debt_usd, ladder_total_usd, debt_coverage_pct, is_backcast,
    loaded_at, run_id {more}
) values ('R2000', %s, %s, 2025, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 100, false, %s, 1 {values})
"""
SHOCK = """
insert into derived.rate_shock (
    index_code, sector, as_of_date, shock_bp, members, members_with_debt,
    members_with_floating_share,
    total_debt_usd, floating_debt_usd, interest_change_usd, interest_change_low_usd,
    interest_change_high_usd, members_with_coverage, is_backcast, loaded_at, run_id
) values ('R2000', 'All', '2024-03-31', 100, 1, 1, 0, 1, 0, 0, 0, 0, 0, false, %s, 1)
"""
# such as stood on these tables then
VIEWS = """
create view published.refinancing_wall as select * from derived.refinancing_wall;
create view as_of.refinancing_wall_version as
select held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.refinancing_wall as held
union all
select * from history.refinancing_wall;
"""


@pytest.fixture
def analyst(server: EmbeddedServer) -> Iterator[str]:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create role wall_analyst")
        yield "wall_analyst"
        connection.execute("drop role wall_analyst")


@pytest.fixture
def aged(settings: Settings, analyst: str) -> Iterator[Settings]:
    """Tables and views of the migration before, with walls, one of them superseded."""
    engine = owner_engine(settings)
    with engine.begin() as outer:
        connection = outer.connection.driver_connection
        names = sql.SQL(", ").join(map(sql.Identifier, [*BACKED_UP_SCHEMAS, *VIEW_SCHEMAS]))
        connection.execute(sql.SQL("drop schema {} cascade").format(names))
        migrate_to(outer, BEFORE)
        connection.execute(VIEWS)
        connection.execute("insert into audit.run (flow, process) values ('t', 't:1')")
        connection.execute("insert into core.instrument (first_ticker) values ('AAA')")
        for as_of_date, known_from, loaded_at in MEMBERS:
            connection.execute(
                "insert into core.index_membership select 'R2000', instrument_id, %s, 'AAA', 'n',"
                " 's', 100, 100, 1, 1, 1, 'x', 'IWM', %s, 'test', %s, 1 from core.instrument",
                (as_of_date, known_from, loaded_at),
            )
        held = WALL.format(schema="derived", more="", values="")
        past = WALL.format(
            schema="history", more=", superseded_at, superseded_by", values=f", '{LAST}', 1"
        )
        connection.execute(past, ("All", "2024-06-30", SECOND))
        connection.execute(held, ("All", "2024-06-30", LAST))
        # derived again with the late file, it came out the same
        connection.execute(held, ("Energy", "2024-06-30", SECOND))
        connection.execute(held, ("All", "2023-12-31", SECOND))
        connection.execute(SHOCK, (LAST,))
        connection.execute(f"grant select on published.refinancing_wall to {analyst}")
    engine.dispose()
    yield settings
    with connect(settings, "owner") as connection:
        connection.execute(f"revoke all on published.refinancing_wall from {analyst}")


def test_each_row_gets_the_day_that_it_was_derived_with(aged: Settings, analyst: str) -> None:
    ensure_up_to_date(aged)
    with connect(aged, "reader") as connection:
        walls = connection.execute(
            "select sector, as_of_date::text, membership_as_of::text"
            " from published.refinancing_wall order by 1, 2"
        ).fetchall()
        before = connection.execute(
            "select as_of_date::text, membership_as_of::text from as_of.refinancing_wall(%s)"
            " where sector = 'All' order by 1",
            (LATE,),
        ).fetchall()
        shocks = connection.execute(
            "select as_of_date::text, membership_as_of::text from published.rate_shock"
        ).fetchall()
        restated = connection.execute(
            "select column_name, old_value, new_value from published.restatement"
        ).fetchall()
        allowed = connection.execute(
            "select has_table_privilege(%s, 'published.refinancing_wall', 'select')", (analyst,)
        ).fetchone()
    assert walls == [
        # before the first file was known, that one
        ("All", "2023-12-31", "2024-01-02"),
        ("All", "2024-06-30", "2024-06-20"),
        ("Energy", "2024-06-30", "2024-06-20"),
    ]
    # what was held before the late file came
    assert before == [("2023-12-31", "2024-01-02"), ("2024-06-30", "2024-05-21")]
    assert shocks == [("2024-03-31", "2024-01-02")]
    assert restated == [("membership_as_of", "2024-05-21", "2024-06-20")]
    assert allowed == (True,)
    with connect(aged) as connection:
        # the loader may write as before
        connection.execute("update derived.refinancing_wall set members = 2")
        left = connection.execute(
            "select count(*) from pg_class where relname like '%before%'"
        ).fetchone()
    assert left == (0,)
