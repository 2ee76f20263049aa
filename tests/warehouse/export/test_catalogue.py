"""The data dictionary and the data contract say what the live schema has, and nothing else."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from expectations import contracts
from warehouse.connect.connections import adbc_connection, connect
from warehouse.export import catalogue as catalogue_module
from warehouse.export.catalogue import ROW_UNITS, OutdatedSchema, read_catalogue, unit_of
from warehouse.export.data_dictionary import data_dictionary
from warehouse.export.odcs import data_contract

DOCS = Path(__file__).parents[3] / "docs"
CONTRACT = DOCS / "datacontract.odcs.yaml"
WRITE_AGAIN = "it is not what the schema says; write it again with: make dictionary"


@pytest.fixture(scope="module")
def live(module_warehouse) -> dict[str, tuple[str, bool]]:
    """Published column to its type and whether it is never NULL, by PostgreSQL's own account."""
    with connect(module_warehouse, "reader") as connection:
        columns = connection.execute(
            "select table_name || '.' || column_name, data_type from information_schema.columns"
            " where table_schema = 'published'"
        ).fetchall()
        # a view's column is nullable in the catalogue, so the table behind it says
        not_null = connection.execute(
            """
            select relname || '.' || attname
            from pg_class join pg_attribute on attrelid = pg_class.oid
            where relnamespace::regnamespace::text in ('core', 'derived')
                and relkind = 'r' and attnotnull
            """
        ).fetchall()
    never_null = {name for (name,) in not_null}
    return {name: (data_type, name in never_null) for name, data_type in columns}


@pytest.fixture(scope="module")
def contract() -> OpenDataContractStandard:
    return OpenDataContractStandard.from_file(str(CONTRACT))


def test_the_committed_dictionary_is_that_of_the_schema(catalogue):
    page = (DOCS / "data_dictionary.md").read_text(encoding="utf-8")
    assert page == data_dictionary(catalogue), WRITE_AGAIN


def test_the_committed_contract_is_that_of_the_schema(catalogue):
    assert CONTRACT.read_text(encoding="utf-8") == data_contract(catalogue), WRITE_AGAIN


def test_the_contract_follows_the_standard(contract):
    # the package's classes ignore unknown keys of tables and columns, its JSON schema does not
    schema = json.loads(OpenDataContractStandard.json_schema())
    jsonschema.validate(yaml.safe_load(CONTRACT.read_text(encoding="utf-8")), schema)
    assert contract.apiVersion == "v3.1.0"


def test_the_contract_has_every_published_column_and_no_other(contract, live):
    stated = {
        f"{table.name}.{column.name}": column.physicalType
        for table in contract.schema_
        for column in table.properties
    }
    assert stated == {name: data_type for name, (data_type, _) in live.items()}


def test_the_contract_states_the_nullability_of_stored_columns(contract, live):
    stored = {
        f"{table}.{column}" for table, each in contracts().items() for column in each.column_names
    }
    stated = {
        f"{table.name}.{column.name}": column.required
        for table in contract.schema_
        for column in table.properties
    }
    compared = stored & stated.keys()
    assert len(compared) > 300
    assert {name: stated[name] for name in compared} == {name: live[name][1] for name in compared}


def test_the_contract_has_the_keys_by_which_rows_are_merged(contract):
    keys = {
        table.name: tuple(
            column.name
            for column in sorted(table.properties, key=lambda each: each.primaryKeyPosition or 0)
            if column.primaryKey
        )
        for table in contract.schema_
    }
    for name, each in contracts().items():
        assert sorted(keys[name]) == sorted(each.natural_key_or_key), name


def test_a_schema_of_another_version_is_refused(module_warehouse, monkeypatch):
    monkeypatch.setattr(catalogue_module, "views_digest", lambda: "another")
    with (
        adbc_connection(module_warehouse, "reader") as connection,
        pytest.raises(OutdatedSchema, match="make up"),
    ):
        read_catalogue(connection)


def test_every_column_has_a_definition_and_every_decimal_number_a_unit(catalogue):
    columns = [(table, column) for table in catalogue for column in table.columns]
    assert [
        f"{t.name}.{c.name}" for t, c in columns if not c.definition and t.name != "migration"
    ] == []
    assert [
        f"{t.name}.{c.name}" for t, c in columns if c.sql_type == "double precision" and not c.unit
    ] == []
    assert ROW_UNITS.keys() <= {(t.name, c.name) for t, c in columns}


@pytest.mark.parametrize(
    ("column", "sql_type", "definition", "unit"),
    [
        ("total_debt_usd", "double precision", "on period_end", "USD"),
        ("weight_pct_filed", "double precision", "percent of the fund, as filed", "percent"),
        (
            "beta_dgs2_63_pct",
            "double precision",
            "OLS slope, percent per 100 bp",
            "percent per 100 bp",
        ),
        ("shock_bp", "integer", "by which rates change", "basis points"),
        ("volume", "bigint", "shares as traded", "shares"),
        ("members", "integer", "listed shares held", None),
        ("beta_63", "double precision", "slope of SMALL's returns on LARGE's", "number"),
        ("session_date", "date", "XNYS session, in days", None),
    ],
)
def test_unit_of_a_column(column, sql_type, definition, unit):
    assert unit_of("any", column, sql_type, definition) == unit


def test_no_row_of_the_dictionary_has_too_many_cells(catalogue):
    rows = re.findall(r"^\| `.*$", data_dictionary(catalogue), re.M)
    assert len(rows) == sum(len(table.columns) for table in catalogue)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
