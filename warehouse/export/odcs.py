"""Write the data contract of schema published in the Open Data Contract Standard (ODCS) 3.1."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import yaml

from warehouse.export.catalogue import CatalogueColumn, CatalogueTable
from warehouse.export.data_dictionary import sentence

API_VERSION = "v3.1.0"
LOGICAL_TYPES = {
    "bigint": "integer",
    "boolean": "boolean",
    "date": "date",
    "double precision": "number",
    "integer": "integer",
    "jsonb": "object",
    "text": "string",
    "timestamp with time zone": "timestamp",
}


def data_contract(tables: Sequence[CatalogueTable]) -> str:
    """Return the contract as YAML; tables of other schemas than published are left out."""
    published = [table for table in tables if table.schema == "published"]
    content = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": "great-rotation-published",
        "name": "The Great Rotation warehouse",
        "version": version("great-rotation"),
        "status": "draft",
        "domain": "market data",
        "description": {
            "purpose": "Point-in-time tables on the rotation between small and large US companies.",
            "usage": "Query schema published as a reader; as_of.<table>(timestamp) returns a"
            " table as it was. Unknown values are NULL. docs/data_dictionary.md is the same as a"
            " page.",
            "limitations": "docs/limits.md: coverage, members before the first holdings file,"
            " licences of the providers' data, what was never run live.",
        },
        "servers": [
            {
                "server": "warehouse",
                "type": "postgres",
                "description": "`rotation dsn` prints host, port and database.",
                "host": "127.0.0.1",
                "port": 5432,
                "database": "rotation",
                "schema": "published",
            }
        ],
        "roles": [{"role": "rotation_reader", "access": "read"}],
        "schema": [_schema_object(table) for table in published],
    }
    header = "# Written by `make dictionary` from the contracts and the catalogue; do not edit.\n"
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return header + text


def _schema_object(table: CatalogueTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "physicalName": f"{table.schema}.{table.name}",
        "logicalType": "object",
        "physicalType": "view",
        "description": sentence(table.comment),
        "dataGranularityDescription": sentence(table.comment).partition(". ")[0].rstrip(".") + ".",
        "customProperties": _custom(
            source=sentence(table.source),
            asOfFunction=f"as_of.{table.name}(timestamptz)" if table.is_versioned else None,
        ),
        "properties": [_schema_property(column, table.key) for column in table.columns],
    }


def _schema_property(column: CatalogueColumn, key: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": column.name,
        "logicalType": LOGICAL_TYPES[column.sql_type],
        "physicalType": column.sql_type,
        "description": sentence(column.definition),
        "required": column.null_means is None,
    }
    if column.is_key:
        found |= {"primaryKey": True, "primaryKeyPosition": key.index(column.name) + 1}
    null_means = column.null_means and sentence(column.null_means)
    if custom := _custom(unit=column.unit, nullMeans=null_means):
        found["customProperties"] = custom
    return found


def _custom(**values: str | None) -> list[dict[str, str]]:
    return [{"property": name, "value": value} for name, value in values.items() if value]
