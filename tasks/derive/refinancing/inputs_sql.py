"""SQL of the refinancing tables: the companies a change reaches, the rows to replace."""

from collections.abc import Mapping
from datetime import date

from tasks.derive.debt.rates import required_series

ALL_COMPANIES = "everyone"
MIN_DATE_SQL = "date '0001-01-01'"
# All mappings to filers that the SEC's list ever had for an instrument, under any ticker. The first
# mapping of an instrument holds for all days before it.
CHANGED_FILERS_SQL = f"""
with symbol as (
    select ticker, instrument_id from core.ticker
    union
    select ticker, instrument_id from history.ticker
),
member as (
    select change.item, change.from_date, symbol.instrument_id
    from change join symbol on symbol.ticker = change.item
    where exists (
        select from derived.loaded_index join core.index_membership as listed using (index_code)
        where listed.instrument_id = symbol.instrument_id
    )
),
named as (
    select ticker, cik from core.company_ticker
    union
    select ticker, cik from history.company_ticker
),
-- read once: the view puts all symbols in order, which took 6 s for 2,000 members one by one
first_filer as materialized (
    select instrument_id, min(known_from) as known_from
    from derived.instrument_cik group by instrument_id
)
select named.cik::text as subject, case
    when member.from_date <= first_filer.known_from then {MIN_DATE_SQL}
    else member.from_date
end as first_date
from member
left join first_filer using (instrument_id)
join symbol using (instrument_id)
join named on named.ticker = symbol.ticker
"""
CHANGED_FACTS_SQL = "select item as subject, from_date as first_date from change"
WHERE_MEMBER_SQL = """
    from change
    where exists (
        select from derived.loaded_index join core.index_membership as member using (index_code)
        where member.instrument_id = change.instrument_id
    )
"""


def quarterly_inputs(table: str) -> dict[str, str]:
    """Return the inputs of a table by quarter-end, one company at a time.

    Prices matter only in that a session after a quarter-end without rows makes it due.
    """
    series = ", ".join(f"'{name}'" for name in required_series())
    return {
        "company_fact": CHANGED_FACTS_SQL,
        "company": f"select item as subject, {MIN_DATE_SQL} as first_date from change",
        "company_ticker": CHANGED_FILERS_SQL,
        # days before the first snapshot was known have its members
        "index_membership": f"""
            select '{ALL_COMPANIES}' as subject, case
                when from_date <= (
                    select max(first) from (
                        select min(known_from) as first from core.index_membership
                        group by index_code
                    ) as known
                ) then {MIN_DATE_SQL}
                else from_date
            end as first_date
            from change
        """,
        "macro_observation": f"""
            select '{ALL_COMPANIES}' as subject, from_date as first_date from change
            where item in ({series})
        """,
        "daily_price": f"""
            select '{ALL_COMPANIES}' as subject, newest + 1 as first_date
            from (
                select coalesce(max(as_of_date), {MIN_DATE_SQL}) as newest from derived.{table}
            ) as stored
            where exists (select from change)
                and (select max(session_date) from core.daily_price) > newest
        """,
    }


def quarterly_price_inputs(table: str) -> dict[str, str]:
    """Return the inputs of a table by quarter-end that reads members' prices, too."""
    inputs = quarterly_inputs(table)
    inputs["daily_price"] += f"""
        union all
        select '{ALL_COMPANIES}' as subject, from_date as first_date {WHERE_MEMBER_SQL}
    """
    # A split's change is dated before any bar. What it moves here is no older than its ex-date:
    # that of the oldest action that the runs wrote or withdrew.
    inputs["corporate_action"] = f"""
        select '{ALL_COMPANIES}' as subject, coalesce(
            (
                select min(action.ex_date)
                from (
                    select instrument_id, ex_date, run_id from core.corporate_action
                    union all
                    select instrument_id, ex_date, run_id from history.corporate_action
                    union all
                    select instrument_id, ex_date, superseded_by from history.corporate_action
                ) as action
                where action.instrument_id = change.instrument_id
                    and action.run_id = any (change.run_ids)
            ),
            change.from_date
        ) as first_date
        {WHERE_MEMBER_SQL}
    """
    return inputs


def build_replace_where(starts: Mapping[int, date], condition: str = "") -> str:
    """Return SQL on `old`: the rows of companies from their first dirty day on."""
    by_day: dict[date, list[int]] = {}
    for cik, day in starts.items():
        by_day.setdefault(day, []).append(cik)
    parts = [
        f"(old.cik in ({', '.join(map(str, ciks))})"
        + (f" and old.{condition} >= '{day.isoformat()}')" if condition else ")")
        for day, ciks in sorted(by_day.items())
    ]
    return " or ".join(parts) or "false"
