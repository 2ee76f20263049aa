"""Generates the view of how far each derived table has got, from the contracts."""

from collections.abc import Mapping

from expectations.contract import Contract


def derived_state_sql(contracts: Mapping[str, Contract]) -> str:
    """Return the SQL of `derived.table_state`, which `published.freshness` reads.

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
create or replace view derived.table_state (dataset, newest, follows_filings) as
{rows};
comment on view derived.table_state is
'One row per derived table: its newest date, and whether it is derived from company facts.';
"""


def _follows_filings(table: str, contracts: Mapping[str, Contract]) -> bool:
    return table == "company_fact" or any(
        _follows_filings(name, contracts) for name in contracts[table].upstream
    )
