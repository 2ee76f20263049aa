"""The tables, one SQL file each, and the order in which to create them."""

from pathlib import Path

HERE = Path(__file__).parent
# a table that refers to another comes after it
TABLES = (
    "schemas",
    "references",
    "statistics",
    "history",
    "audit/origin",
    "audit/run",
    "audit/batch",
    "audit/fetch",
    "audit/pending_filing",
    "audit/rate_limit",
    "audit/quarantine",
    "audit/price_discrepancy",
    "audit/validation",
    "audit/load",
    "audit/change",
    "audit/derivation",
    "audit/reference",
    "core/instrument",
    "core/ticker",
    "core/session",
    "core/daily_price",
    "core/corporate_action",
    "core/index_membership",
    "core/macro_series",
    "core/macro_observation",
    "core/company",
    "core/company_ticker",
    "core/company_fact",
    "derived/*",
)


def tables_sql() -> str:
    """Return the SQL that creates every schema and table in an empty database."""
    files = [file for name in TABLES for file in sorted(HERE.glob(f"{name}.sql"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
