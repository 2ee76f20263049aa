"""Views over a warehouse that holds them in an older shape."""

import psycopg
import pytest
from psycopg import errors, sql

from warehouse.connect.connections import connect
from warehouse.connect.dsn import database_name
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.schema.views import VIEW_SCHEMAS, DependentViewsError, apply_views
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

# all views and functions, with what they are made of and who may use them
ALL = """
select oid::regclass::text, pg_get_viewdef(oid), relacl::text from pg_class
where relkind = 'v' and relnamespace::regnamespace::text = any (%(schemas)s)
union all
select oid::regprocedure::text, pg_get_function_result(oid) || prosrc, proacl::text from pg_proc
where prokind = 'f' and pronamespace::regnamespace::text = any (%(schemas)s)
order by 1
"""


def everything(settings: Settings) -> list[tuple[str, ...]]:
    with connect(settings, "owner") as connection:
        return connection.execute(ALL, {"schemas": VIEW_SCHEMAS}).fetchall()


def age(settings: Settings) -> None:
    """Gives the metrics' view, and the function that returns its rows, an older shape."""
    with connect(settings, "owner") as connection:
        connection.execute("drop function as_of.rotation_metrics")
        connection.execute("drop view published.rotation_metrics")
        connection.execute(
            """
            create view published.rotation_metrics as
            select session_date, pair, ratio as price_ratio, 1 as gone from derived.rotation_metrics
            """
        )
        connection.execute(
            """
            create function as_of.rotation_metrics(since timestamptz)
            returns setof published.rotation_metrics language sql stable
            as 'select * from published.rotation_metrics where false'
            """
        )
        connection.execute("update audit.reference set checksum = '' where table_name = 'views'")


def test_missing_views_are_made_again(settings: Settings) -> None:
    before = everything(settings)
    with connect(settings, "owner") as connection:
        connection.execute("drop view published.macro_latest")
        connection.execute("update audit.reference set checksum = '' where table_name = 'views'")
    ensure_up_to_date(settings)
    assert everything(settings) == before


def test_columns_that_moved_went_or_have_new_names_come_out_right(settings: Settings) -> None:
    before = everything(settings)
    age(settings)
    assert everything(settings) != before
    ensure_up_to_date(settings)
    assert everything(settings) == before
    with connect(settings, "reader") as connection:
        assert connection.execute("select * from published.rotation_metrics").fetchall() == []
        assert connection.execute("select * from as_of.rotation_metrics(now())").fetchall() == []


@pytest.fixture
def analyst(settings: Settings, server: EmbeddedServer):
    """A role that an administrator made, and gave one view and one function."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create role analyst")
    with connect(settings, "owner") as connection:
        connection.execute("grant select on published.daily_price to analyst with grant option")
        connection.execute(
            "grant execute on function as_of.daily_price to analyst with grant option"
        )
    yield "analyst"
    superuser = server.dsn(database_name(settings))
    with psycopg.connect(superuser) as connection:
        connection.execute("drop owned by analyst")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("drop role analyst")


def test_grants_are_kept(settings: Settings, analyst: str) -> None:
    age(settings)
    ensure_up_to_date(settings)
    with connect(settings, "owner") as connection:
        rights = connection.execute(
            """
            select
                has_table_privilege(%(who)s, 'published.daily_price', 'select with grant option'),
                has_function_privilege(
                    %(who)s, 'as_of.daily_price(timestamptz)', 'execute with grant option'
                )
            """,
            {"who": analyst},
        ).fetchone()
    assert rights == (True, True)


def test_a_view_of_somebody_elses_is_named_and_nothing_is_changed(settings: Settings) -> None:
    age(settings)
    before = everything(settings)
    with connect(settings, "owner") as connection:
        connection.execute("create schema analysis")
        connection.execute(
            "create view analysis.mine as select price_ratio from published.rotation_metrics"
        )
    with pytest.raises(DependentViewsError, match=r"view analysis\.mine depends on view"):
        ensure_up_to_date(settings)
    assert everything(settings) == before
    with connect(settings, "owner") as connection:
        connection.execute("drop view analysis.mine")
    ensure_up_to_date(settings)
    with connect(settings, "reader") as connection:
        connection.execute("select ratio from published.rotation_metrics")


def test_what_can_be_replaced_in_place_leaves_others_views_alone(settings: Settings) -> None:
    with connect(settings, "owner") as connection:
        connection.execute("create schema analysis")
        connection.execute(
            "create view analysis.mine as select pair from published.rotation_metrics"
        )
        apply_views(connection, force=True)
        assert connection.execute("select * from analysis.mine").fetchall() == []


def test_every_view_and_function_comes_from_the_files(settings: Settings) -> None:
    """One that a migration made would be dropped with the others, and stay away."""
    before = {name for name, *_ in everything(settings)}
    with connect(settings, "owner") as connection:
        names = [sql.Identifier(*name.split(".")) for name in before if "(" not in name]
        connection.execute(sql.SQL("drop view {} cascade").format(sql.SQL(", ").join(names)))
        for name in before:
            if "(" in name:
                connection.execute(f"drop function if exists {name} cascade".encode())
        with pytest.raises(errors.UndefinedTable), connection.transaction():
            connection.execute("select * from published.daily_price")
        apply_views(connection, force=True)
    assert {name for name, *_ in everything(settings)} == before


def test_a_role_with_rights_on_published_alone_reads_its_views(
    settings: Settings, server: EmbeddedServer, analyst: str
) -> None:
    """A BI tool's role has no rights on audit, core or derived."""
    with psycopg.connect(server.dsn(database_name(settings))) as connection:
        views = connection.execute(
            "select format('published.%I', viewname) from pg_views where schemaname = 'published'"
        ).fetchall()
        connection.execute("grant usage on schema published to analyst")
        connection.execute("grant select on all tables in schema published to analyst")
        connection.execute("set role analyst")
        # freshness is a function, which reads audit with the caller's rights
        for view in sorted({view for (view,) in views} - {"published.freshness"}):
            connection.execute(f"select * from {view}".encode())


def test_no_published_column_has_a_type_of_core(settings: Settings) -> None:
    """A reader's `create table mine as select` would depend on it."""
    with connect(settings, "owner") as connection:
        found = connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'published' and domain_name is not null"
        ).fetchall()
    assert found == []
