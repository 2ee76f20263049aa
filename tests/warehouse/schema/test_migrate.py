"""The migrated database against what the contracts and the conventions say."""

from pathlib import Path

import psycopg
import pytest
from psycopg import Connection
from pydantic import SecretStr

from expectations import contracts
from expectations.contract import AuditTable, Contract
from expectations.tables.audit import AUDIT_TABLES
from warehouse.connect.connections import adbc_connection, connect
from warehouse.connect.dsn import password_file, role_user, warehouse_dsn
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.schema.roles import RoleError
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

CONTRACTS = sorted(contracts().values(), key=lambda contract: contract.table)
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each.table)

SCHEMAS = ("core", "history", "derived", "published", "as_of", "audit")
# a column of the domain core.finite has, for contracts, the type beneath it
COLUMNS = """
select attname, format_type(coalesce(nullif(typbasetype, 0), atttypid), atttypmod), attnotnull
from pg_attribute join pg_type on pg_type.oid = atttypid
where attrelid = %s::regclass and attnum > 0 and not attisdropped
order by attnum
"""
# all that a migration writes into the catalogue, with the transactions that wrote it
CATALOGUE = """
with ours as (select oid from pg_namespace where nspname = any (%s))
select 'relation', oid::text, xmin::text from pg_class where relnamespace in (select * from ours)
union all
select 'function', oid::text, xmin::text from pg_proc where pronamespace in (select * from ours)
union all
select 'comment', objoid::text || '.' || objsubid, xmin::text from pg_description
where classoid = 'pg_class'::regclass
order by 1, 2
"""


def columns(connection: Connection, relation: str) -> list[tuple[str, str, bool]]:
    """Name, type and whether NULL is refused, in order."""
    return connection.execute(COLUMNS, (relation,)).fetchall()


def test_second_time_changes_nothing(settings: Settings):
    catalogues = []
    for _ in range(2):
        ensure_up_to_date(settings)
        with connect(settings, "owner") as connection:
            catalogues.append(connection.execute(CATALOGUE, ([*SCHEMAS],)).fetchall())
    assert catalogues[0] == catalogues[1]
    assert len(catalogues[0]) > 500


def test_reader_with_another_folders_password_is_found_out_at_once(
    hosted: Settings, tmp_path: Path
):
    ensure_up_to_date(hosted)
    second = hosted.model_copy(update={"home": tmp_path / "second"})
    with pytest.raises(RoleError, match=r"rotation_loader has another password") as refused:
        ensure_up_to_date(second)
    assert password_file(hosted, "loader").read_text() not in str(refused.value)
    assert logins(hosted) == OWN_LOGINS
    words = {
        f"{role}_password": SecretStr(password_file(hosted, role).read_text())
        for role in ("loader", "reader")
    }
    third = second.model_copy(update=words)
    ensure_up_to_date(third)
    assert logins(third) == OWN_LOGINS


def test_the_flows_login_may_not_migrate_and_is_told_so(hosted: Settings):
    ensure_up_to_date(hosted)
    dsn = warehouse_dsn(hosted, "loader")
    flows = Settings(home=hosted.home, database_url=dsn)
    assert warehouse_dsn(flows, "loader") == dsn
    with pytest.raises(RoleError, match="logs in as rotation_loader"):
        ensure_up_to_date(flows)


def test_every_relation_column_and_schema_is_commented(module_warehouse: Settings):
    with connect(module_warehouse, "owner") as connection:
        relations = connection.execute(
            """
            select oid::regclass::text from pg_class
            where relkind in ('r', 'v', 'm', 'p') and relnamespace::regnamespace::text = any (%s)
            """,
            (list(SCHEMAS),),
        ).fetchall()
        silent = connection.execute(
            """
            select relation.oid::regclass::text, attribute.attname
            from pg_class as relation
            join pg_attribute as attribute
                on attribute.attrelid = relation.oid and attribute.attnum >= 0
                and not attribute.attisdropped
            where relation.relkind in ('r', 'v', 'm', 'p')
                and relation.relnamespace::regnamespace::text = any (%s)
                and coalesce(col_description(relation.oid, attribute.attnum), '') = ''
            union all
            select relation.oid::regclass::text, 'the relation'
            from pg_class as relation
            where relation.relkind in ('r', 'v', 'm', 'p')
                and relation.relnamespace::regnamespace::text = any (%s)
                and coalesce(obj_description(relation.oid, 'pg_class'), '') = ''
            union all
            select nspname, 'the schema' from pg_namespace
            where nspname = any (%s) and coalesce(obj_description(oid, 'pg_namespace'), '') = ''
            union all
            select oid::regprocedure::text, 'the function' from pg_proc
            where pronamespace::regnamespace::text = any (%s)
                and coalesce(obj_description(oid, 'pg_proc'), '') = ''
            """,
            (list(SCHEMAS),) * 4,
        ).fetchall()
    assert {contract.qualified_name for contract in CONTRACTS} <= {name for (name,) in relations}
    assert silent == []


@each_contract
def test_contract_agrees_with_the_database(module_warehouse: Settings, contract: Contract):
    with connect(module_warehouse, "owner") as connection:
        found = columns(connection, contract.qualified_name)
        key = connection.execute(
            """
            select array_agg(attribute.attname order by array_position(held.indkey, attnum))::text[]
            from pg_index as held
            join pg_attribute as attribute
                on attribute.attrelid = held.indrelid and attribute.attnum = any (held.indkey)
            where held.indrelid = %s::regclass and held.indisprimary
            """,
            (contract.qualified_name,),
        ).fetchone()
    promised = [(each.name, each.sql_type, each.null_means is None) for each in contract.columns]
    warehouse = [("loaded_at", "timestamp with time zone", True), ("run_id", "bigint", True)]
    assert found == promised + warehouse
    assert key == ([*contract.key],)


@each_contract
def test_history_twin_has_the_columns_of_its_table_and_two_more(
    module_warehouse: Settings, contract: Contract
):
    with connect(module_warehouse, "owner") as connection:
        table = columns(connection, contract.qualified_name)
        twin = columns(connection, f"history.{contract.table}")
    assert twin[:-2] == table
    assert twin[-2:] == [
        ("superseded_at", "timestamp with time zone", True),
        ("superseded_by", "bigint", True),
    ]


@each_contract
def test_table_is_published_and_can_be_asked_as_of_an_instant(
    module_warehouse: Settings, contract: Contract
):
    with connect(module_warehouse, "reader") as connection:
        names = []
        for relation in (f"published.{contract.table}", f"as_of.{contract.table}(now())"):
            cursor = connection.execute(f"select * from {relation}")
            names.append([(column.name, column.type_code) for column in cursor.description])
    assert names[0] == names[1]
    natural = {name for name in contract.column_names if name != "instrument_id"}
    assert natural | set(contract.natural_key_or_key) <= {name for name, _ in names[0]}


@each_contract
def test_no_stored_number_may_be_nan_or_infinite(module_warehouse: Settings, contract: Contract):
    with connect(module_warehouse, "owner") as connection:
        types = dict(
            connection.execute(
                "select attname, atttypid::regtype::text from pg_attribute"
                " where attrelid = %s::regclass and attnum > 0",
                (contract.qualified_name,),
            ).fetchall()
        )
    for column in contract.columns:
        if column.sql_type == "double precision":
            assert types[column.name] == "core.finite", column.name


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_the_domain_of_numbers_refuses(module_warehouse: Settings, number: str):
    with (
        connect(module_warehouse, "owner") as connection,
        pytest.raises(psycopg.errors.CheckViolation),
    ):
        connection.execute("select %s::text::core.finite", (number,))


@pytest.mark.parametrize("table", AUDIT_TABLES, ids=lambda each: each.table)
def test_audit_contract_agrees_with_the_database(module_warehouse: Settings, table: AuditTable):
    with connect(module_warehouse, "owner") as connection:
        found = columns(connection, f"audit.{table.table}")
    assert found == [(each.name, each.sql_type, each.null_means is None) for each in table.columns]


def test_every_audit_table_has_a_contract(module_warehouse: Settings):
    with connect(module_warehouse, "owner") as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'audit'")
        assert {name for (name,) in rows} == {t.table for t in AUDIT_TABLES} | {"migration"}


@pytest.fixture
def hosted(fresh_server: EmbeddedServer, tmp_path: Path) -> Settings:
    """DATABASE_URL of a server that is not ours: one account, one database, no superuser."""
    with psycopg.connect(fresh_server.start(), autocommit=True) as connection:
        connection.execute("create role tenant login createrole password 'a/b@c'")
        connection.execute("create database facts owner tenant")
    port = psycopg.conninfo.conninfo_to_dict(fresh_server.dsn())["port"]
    url = f"postgresql://tenant:a%2Fb%40c@127.0.0.1:{port}/facts"
    return Settings(home=tmp_path, database_url=url)


def logins(settings: Settings) -> dict[str, tuple[str, str]]:
    """Per role, the account that logs in and the one that it acts as."""
    found = {}
    for role in ("owner", "loader", "reader"):
        with connect(settings, role) as connection:
            found[role] = connection.execute("select session_user, current_user").fetchone()
    return found


OWN_LOGINS = {
    "owner": ("tenant", "rotation_owner"),
    "loader": ("rotation_loader", "rotation_loader"),
    "reader": ("rotation_sql", "rotation_sql"),
}


def test_own_server_needs_no_superuser(hosted: Settings):
    for _ in range(2):
        ensure_up_to_date(hosted)
    assert logins(hosted) == OWN_LOGINS
    with adbc_connection(hosted) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from core.daily_price")
        assert cursor.fetchone() == (0,)
    with (
        connect(hosted, "reader") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select * from core.daily_price")


def test_own_server_whose_roles_an_administrator_made(
    hosted: Settings, fresh_server: EmbeddedServer
):
    """What the error tells an administrator to do is enough."""
    with psycopg.connect(fresh_server.dsn(), autocommit=True) as connection:
        connection.execute("alter role tenant nocreaterole")
    with pytest.raises(RoleError, match="permission denied to create role") as refused:
        ensure_up_to_date(hosted)
    statements = str(refused.value).split("run: ", 1)[1].split(";")
    with psycopg.connect(fresh_server.dsn(), autocommit=True) as connection:
        for statement in statements[:5]:
            role = next(
                (r for r in ("loader", "reader") if f"{role_user(r)} login" in statement), ""
            )
            password = password_file(hosted, role).read_text() if role else ""
            connection.execute(statement.replace("...", password))
    ensure_up_to_date(hosted)
    assert logins(hosted) == OWN_LOGINS


def test_database_url_may_be_written_as_libpq_does(hosted: Settings):
    url = psycopg.conninfo.conninfo_to_dict(hosted.database_url.get_secret_value())
    words = " ".join(f"{name}='{value}'" for name, value in url.items())
    settings = Settings(
        home=hosted.home, database_url=f"{words} sslmode=disable application_name='the flows'"
    )
    ensure_up_to_date(settings)
    assert logins(settings) == OWN_LOGINS
    with connect(settings) as connection:
        assert connection.pgconn.ssl_in_use is False
    with adbc_connection(settings) as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting('application_name')")
        assert cursor.fetchone() == ("the flows",)
