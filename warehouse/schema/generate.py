"""Generates the views and functions that every table with a contract has, as SQL text.

Per table: `published.<table>`, `as_of.<table>_version` (stored and superseded rows) and
`as_of.<table>(at)`; over all of them `published.restatement`. What a table needs beyond that is
written by hand in `views/`: a name that stands there is not generated.
"""

from collections.abc import Collection, Iterable

from expectations.contract import Contract

LOAD_COLUMNS = ("loaded_at", "superseded_at", "run_id", "superseded_by")


def generate_views(contracts: Iterable[Contract], handwritten: Collection[str]) -> str:
    """Return the SQL of all generated views and functions, in the order to execute it.

    Args:
        contracts: The tables.
        handwritten: Names with schema, of views, and of functions with `()`, to leave out.
    """
    statements = [
        "-- Generated from the contracts. Views run with their owner's rights: readers need none\n"
        "-- on core. The functions are plain SQL, which the planner inlines.\n"
    ]
    tables = sorted(contracts, key=lambda contract: contract.table)
    for contract in tables:
        view, function = f"published.{contract.table}", f"as_of.{contract.table}()"
        if view not in handwritten:
            statements.append(_published_view(contract))
        statements.append(_version_view(contract))
        if function not in handwritten:
            statements.append(_as_of_function(contract))
    return "\n".join([*statements, _restatement_view(tables)])


def published_columns(contract: Contract) -> tuple[str, ...]:
    """Return the published view's columns: the ticker stands for the instrument."""
    if _has_ticker_join(contract):
        names = (*contract.natural_key, *contract.column_names)
        return (*dict.fromkeys(n for n in names if n != "instrument_id"), "loaded_at")
    return (*contract.column_names, "loaded_at")


def _published_view(contract: Contract) -> str:
    # as the base type: `create table mine as select` must not depend on a domain of core
    numbers = {c.name for c in contract.columns if c.sql_type == "double precision"}
    columns = [
        f"{qualified}::double precision as {name}" if name in numbers else qualified
        for qualified, name in zip(
            _qualified(contract, published_columns(contract)),
            published_columns(contract),
            strict=True,
        )
    ]
    return (
        f"create or replace view published.{contract.table} as\n"
        f"select {_listed(columns)}\n"
        f"from {contract.qualified_name} as stored{_ticker_join(contract)};\n"
        f"comment on view published.{contract.table} is {_quoted(contract.grain + '.')};\n"
    )


def _version_view(contract: Contract) -> str:
    """Return the view of every version of every row, stored and superseded."""
    # listed, since a later column stands before the superseded ones in one table alone
    stored = (*contract.column_names, "loaded_at", "run_id")
    versions = (
        f"select {_listed(stored)}, 'infinity'::timestamptz as superseded_at,"
        " null::bigint as superseded_by\n"
        f"from {contract.qualified_name}\n"
        "union all\n"
        f"select {_listed(stored)}, superseded_at, superseded_by from history.{contract.table}"
    )
    if _has_ticker_join(contract):
        columns = (*published_columns(contract)[:-1], *LOAD_COLUMNS, "instrument_id")
        versions = (
            f"select {_listed(_qualified(contract, columns))}\n"
            f"from (\n{versions}\n) as stored{_ticker_join(contract)}"
        )
    text = f"Every version of every row of {contract.table}: "
    text += "stored from loaded_at until superseded_at."
    return (
        f"create or replace view as_of.{contract.table}_version as\n{versions};\n"
        f"comment on view as_of.{contract.table}_version is {_quoted(text)};\n"
    )


def _as_of_function(contract: Contract) -> str:
    name = contract.table
    return (
        f"create or replace function as_of.{name}(at timestamptz)\n"
        f"returns setof published.{name} language sql stable parallel safe as $$\n"
        f"    select {_listed(published_columns(contract))}\n"
        f"    from as_of.{name}_version as version\n"
        f"    where version.loaded_at <= at\n"
        f"        and (version.superseded_at > at or version.superseded_at = 'infinity')\n"
        f"$$;\n"
        f"comment on function as_of.{name} is 'published.{name} as stored at the instant.';\n"
    )


def _restatement_view(tables: Iterable[Contract]) -> str:
    """Return the view of superseded values: each beside the one that took its place."""
    versions = "\nunion all\n".join(_row_versions(contract) for contract in tables)
    return f"""create or replace view published.restatement as
with version as (
{versions}
)
select
    past.table_name, past.key, field.key as column_name, field.value as old_value,
    newer.body ->> field.key as new_value, past.superseded_at, past.superseded_by as run_id
from version as past
left join version as newer
    on newer.table_name = past.table_name and newer.key = past.key
    and newer.loaded_at = past.superseded_at
cross join lateral jsonb_each_text(past.body) as field
where past.superseded_at < 'infinity'
    and field.value is distinct from newer.body ->> field.key;
"""


def _row_versions(contract: Contract) -> str:
    """Return the query for the versions of those rows that have more than one."""
    key = contract.natural_key_or_key
    pairs = ", ".join(f"'{name}', {name}" for name in key)
    left_out = ",".join(dict.fromkeys((*key, *contract.key, *LOAD_COLUMNS)))
    # by ticker where the row has it: one that was given another instrument is the same row
    stored_key = key if "ticker" in contract.column_names else contract.key
    matches = " and ".join(f"past.{name} = row_of.{name}" for name in stored_key)
    return f"""    select
        '{contract.table}' as table_name, jsonb_build_object({pairs}) as key,
        to_jsonb(row_of) - '{{{left_out}}}'::text[] as body,
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.{contract.table}_version as row_of
    where exists (select from history.{contract.table} as past where {matches})"""


def _has_ticker_join(contract: Contract) -> bool:
    return "instrument_id" in contract.key and "ticker" not in contract.column_names


def _ticker_join(contract: Contract) -> str:
    """Return the join with the symbol that an instrument had on the row's date."""
    if not _has_ticker_join(contract):
        return ""
    day = next(c.name for c in contract.columns if c.name in contract.key and c.sql_type == "date")
    return (
        "\njoin core.ticker as ticker\n    on ticker.instrument_id = stored.instrument_id\n"
        f"    and ticker.valid_from <= stored.{day} and stored.{day} < ticker.valid_to"
    )


def _qualified(contract: Contract, columns: Iterable[str]) -> list[str]:
    own = {*contract.column_names, *LOAD_COLUMNS}
    return [f"stored.{name}" if name in own else f"ticker.{name}" for name in columns]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
