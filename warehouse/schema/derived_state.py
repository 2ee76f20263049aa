"""Generate the view of how far each derived table has got, from the contracts."""

from collections.abc import Mapping

from expectations.contract import Contract


def derived_state_sql(contracts: Mapping[str, Contract]) -> str:
    """Return the SQL of `audit.derived_state`, which `published.freshness` reads.

    Args:
        contracts: Every contract by its table's name.
    """
    rows = "\nunion all\n".join(
        f"select '{name}', max({contract.latest_date_column}),"
        f" {str(_follows_filings(name, contracts)).lower()} from {contract.qualified_name}"
        for name, contract in sorted(contracts.items())
        if contract.schema == "derived"
    )
    return f"""
create or replace view audit.derived_state (dataset, latest_date, follows_filings) as
{rows};
comment on view audit.derived_state is 'One row per derived table: how far it has got.';
comment on column audit.derived_state.dataset is 'The table, by its published name.';
comment on column audit.derived_state.latest_date is 'Date of the newest row. NULL: no rows.';
comment on column audit.derived_state.follows_filings is 'Whether all rows need company facts.';
"""


def _follows_filings(table: str, contracts: Mapping[str, Contract]) -> bool:
    """Return whether a table has no row without company facts.

    A derived input that needs none gives rows by itself.
    """
    upstream = contracts[table].upstream
    derived = [name for name in upstream if contracts[name].schema == "derived"]
    return ("company_fact" in upstream or bool(derived)) and all(
        _follows_filings(name, contracts) for name in derived
    )
