-- as_of's functions return these views' row types, so the views come first.
create or replace view published.company_ticker as
select
    ticker, known_from, cik, name, exchange, loaded_at
from core.company_ticker;
comment on view published.company_ticker is
'One row per ticker and day from which the SEC''s list had it for a company. Kept when the list drops it. On a day: the newest known_from not after it; before the first, the first, which is all that is known.';

create or replace view published.company as
select
    cik, name, sic, sic_description, fiscal_year_end, first_filed_date, loaded_at
from core.company;
comment on view published.company is
'One row per filer whose submissions were read: what it says of itself today.';

create or replace view published.company_fact as
select
    cik, tag, unit, period_start, period_end, accession_number, value, fiscal_year,
    fiscal_period, form, filed_date, known_from, loaded_at
from core.company_fact;
comment on view published.company_fact is
'One row per fact and filing that states it, comparatives included, for the tags in warehouse/reference/concept.csv. Known on a session: of the rows with known_from not after it, the one filed last. fiscal_year and fiscal_period describe the filing, not the period.';
