"""The steps of the schema, and databases of other versions."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from alembic import command
from alembic.script import ScriptDirectory

from warehouse.connect.connections import connect
from warehouse.schema import migrate
from warehouse.schema.migrate import (
    UnknownSchemaRevision,
    ensure_up_to_date,
    migrate_to,
    owner_engine,
)
from warehouse.settings import Settings

STORED = ["audit", "core", "history", "derived"]
# what a step must create: columns with type, default and place, constraints, indexes
SCHEMA = """
with relation as (
    select oid, oid::regclass::text as name from pg_class
    where relkind = 'r' and relnamespace::regnamespace::text = any (%(stored)s)
)
select name, attname, row_number() over (partition by name order by attnum) || ' '
    || format_type(atttypid, atttypmod) || ' ' || concat(attnotnull, attidentity, attgenerated)
    || coalesce(pg_get_expr(adbin, adrelid), '')
from relation
join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
left join pg_attrdef on adrelid = attrelid and adnum = attnum
union all
select name, conname, pg_get_constraintdef(pg_constraint.oid)
from relation join pg_constraint on conrelid = relation.oid
union all
select name, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
from relation join pg_index on indrelid = relation.oid
order by 1, 2, 3
"""
STEP = """
from warehouse.schema.migrations import run_sql

revision = "0002"
down_revision = "20261130"


def upgrade() -> None:
    run_sql("alter table core.company add column country text")
"""
Schema = list[tuple[str, str, str]]


@pytest.fixture
def outer(settings: Settings) -> Iterator[sqlalchemy.Connection]:
    """A transaction in a database whose schemas are gone; rolled back."""
    engine = owner_engine(settings)
    with engine.connect() as connection:
        _drop(connection)
        yield connection
        connection.rollback()
    engine.dispose()


def _drop(connection: sqlalchemy.Connection) -> None:
    connection.exec_driver_sql(
        f"drop schema {', '.join(STORED)}, published, as_of cascade",
    )


def _schema(connection: sqlalchemy.Connection) -> Schema:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.execute(SCHEMA, {"stored": STORED}).fetchall()


def _from_tables_and_from_steps(connection: sqlalchemy.Connection) -> tuple[Schema, Schema]:
    migrate_to(connection, "head")
    tables = _schema(connection)
    _drop(connection)
    connection.exec_driver_sql("create schema audit")
    config = migrate._config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return tables, _schema(connection)


def test_all_steps_lead_to_the_tables(outer: sqlalchemy.Connection) -> None:
    tables, steps = _from_tables_and_from_steps(outer)
    assert steps == tables
    assert len(tables) > 500


def test_a_step_without_its_table_is_found(
    outer: sqlalchemy.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0002_country.py").write_text(STEP)
    config = migrate._config()
    own = Path(ScriptDirectory.from_config(config).versions)
    config.set_main_option("version_locations", f"{own}:{tmp_path}")
    monkeypatch.setattr(migrate, "_config", lambda: config)
    tables, steps = _from_tables_and_from_steps(outer)
    changed = {(name, column) for name, column, _ in set(steps) ^ set(tables)}
    assert changed == {("core.company", "country")}


def test_steps_begin_at_a_baseline_of_their_own() -> None:
    """With a step, the baseline must no longer follow the tables."""
    versions = Path(migrate.__file__).parent / "migrations" / "versions"
    steps = list(versions.glob("[0-9]*.py"))
    assert len(steps) == 1 or (versions / "0001_baseline.sql").exists()


def test_a_database_of_another_version_is_refused(settings: Settings) -> None:
    with connect(settings, "owner") as connection:
        connection.execute("update audit.migration set version_num = '0027'")
    with pytest.raises(UnknownSchemaRevision) as refused:
        ensure_up_to_date(settings)
    message = str(refused.value)
    assert str(settings.home.absolute()) in message
    assert "0027" in message
    assert "set ROTATION_HOME to a new folder" in message
    with connect(settings, "owner") as connection:
        assert connection.execute("select version_num from audit.migration").fetchone() == ("0027",)
