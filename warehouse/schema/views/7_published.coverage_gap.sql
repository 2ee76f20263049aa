-- Each row that published.coverage counts as quarantined or missing.
create or replace view published.coverage_gap as
select
    'daily_price' as dataset, expected.index_code, named.ticker as item, expected.session_date,
    expected.status as missing_reason, null::text as detail
from derived.expected_price as expected
join core.current_ticker as named using (instrument_id)
where expected.status <> 'loaded'
union all
select 'index_membership', index_code, fund, session_date, status, null
from derived.expected_holdings_file
where status <> 'loaded'
union all
select 'company_fact', index_code, item, session_date, status, detail
from derived.expected_company_facts
where status <> 'loaded'
union all
select
    'macro_observation', null, series_id, session_date, status,
    coalesce('observation of ' || observation_date, 'no observation is stored')
from derived.expected_macro_observation
where status <> 'loaded'
union all
select 'filing_index', null, session_date::text, session_date, status, null
from derived.expected_filing_index
where status <> 'loaded'
union all
select 'filing', null, accession_number, session_date, status, 'CIK ' || cik || ', filed ' || filed_date
from derived.expected_filing
where status <> 'loaded';
comment on view published.coverage_gap is
'One row per dataset, index, item and XNYS session that is expected and not stored: the rows that published.coverage counts as quarantined and missing. An instrument in two indexes has two rows. Filter on session_date: the cost grows with the number of sessions.';
comment on column published.coverage_gap.dataset is 'daily_price, index_membership, company_fact, macro_observation, filing_index or filing, as in published.coverage.';
comment on column published.coverage_gap.index_code is 'The index whose members are expected, or whose holdings file; watched: watch-list symbols that were never a member. NULL: the dataset has no index.';
comment on column published.coverage_gap.item is 'The item to request: the symbol that the instrument has now (on the session it may have had another), the fund, or the SEC''s number of the filer; of a member that its list does not have, the symbol. Macro: the series; filing_index: the day; filing: the accession number.';
comment on column published.coverage_gap.session_date is 'The session.';
comment on column published.coverage_gap.missing_reason is 'not_due, throttled, outage, refused, empty, delisted, not_found, unreadable, no_row, not_asked or pending, as in the columns missing_* of published.coverage; quarantined: received and not loaded.';
comment on column published.coverage_gap.detail is 'Of unreadable facts, why: ifrs, other_currency or no_listed_tag; the date of a macro observation; the company and day of a filing. NULL: none of these.';
