-- The SEC's tables as the warehouse held them at an instant.
create or replace function as_of.company_ticker(at timestamptz)
returns setof published.company_ticker language sql stable parallel safe as $$
    select
        ticker, known_from, cik, name, exchange, loaded_at
    from as_of.company_ticker_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.company_ticker is 'published.company_ticker as held at the instant.';

create or replace function as_of.company(at timestamptz)
returns setof published.company language sql stable parallel safe as $$
    select
        cik, name, sic, sic_description, fiscal_year_end, first_filed_date, loaded_at
    from as_of.company_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.company is 'published.company as held at the instant.';

create or replace function as_of.company_fact(at timestamptz)
returns setof published.company_fact language sql stable parallel safe as $$
    select
        cik, tag, unit, period_start, period_end, accession_number, value, fiscal_year,
        fiscal_period, form, filed_date, known_from, loaded_at
    from as_of.company_fact_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.company_fact is 'published.company_fact as held at the instant.';
