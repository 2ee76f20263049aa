"""Measure loading of bars by dlt's PostgreSQL destination; each function returns seconds.

dlt gets the same rows as an Arrow table and sends them over ADBC, its fastest way. It has no
quarantine, no ticker map and no change feed, and writes all bars in one load.
"""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from deployments.bench.loading import change_rows
from deployments.bench.timing import seconds
from warehouse.connect.dsn import warehouse_dsn
from warehouse.settings import Settings

KEY = ("ticker", "session_date")
VERSION_COLUMN = "row_hash"
UPSERT = {"disposition": "merge", "strategy": "upsert"}
# keeps replaced rows, as our history tables do
KEEP_VERSIONS = {
    "disposition": "merge",
    "strategy": "scd2",
    "row_version_column_name": VERSION_COLUMN,
}


def dlt_seconds(settings: Settings, bars: pd.DataFrame, work: Path) -> dict[str, float]:
    """Return the seconds of each way to load the bars, by name.

    Raises:
        AssertionError: A load did not store the bars.
    """
    # before the import, which reads them
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
    loads = {"first fill": bars, "unchanged": bars, "1 % changed": change_rows(bars)}
    found = {"dlt append, no key": _load(settings, bars, "bench_append", "append", work)}
    for label, disposition in (("upsert by key", UPSERT), ("scd2, keeps versions", KEEP_VERSIONS)):
        for name, rows in loads.items():
            table = f"bench_{disposition['strategy']}"
            found[f"dlt {label}: {name}"] = _load(settings, rows, table, disposition, work)
    return found


def _load(
    settings: Settings,
    bars: pd.DataFrame,
    table: str,
    disposition: str | dict[str, str],
    work: Path,
) -> float:
    import dlt
    from dlt.destinations import postgres
    from dlt.sources.helpers.transform import add_row_hash_to_table

    pipeline = dlt.pipeline(
        table,
        destination=postgres(warehouse_dsn(settings, "owner")),
        dataset_name="bench_dlt",
        pipelines_dir=str(work),
    )
    rows: Any = pa.Table.from_pandas(bars, preserve_index=False)
    key = None if disposition is KEEP_VERSIONS or disposition == "append" else KEY

    def load() -> None:
        resource = dlt.resource(rows, name=table, write_disposition=disposition, primary_key=key)
        if disposition is KEEP_VERSIONS:
            resource.add_map(add_row_hash_to_table(VERSION_COLUMN))
        pipeline.run(resource, loader_file_format="parquet").raise_on_failed_jobs()

    taken = seconds(load)
    is_current = "where _dlt_valid_to is null" if disposition is KEEP_VERSIONS else ""
    with pipeline.sql_client() as client:
        stored = client.execute_sql(f"select count(*) from {table} {is_current}")[0][0]
    assert stored == len(bars), f"{table}: {stored} of {len(bars)} bars"
    return taken
