create or replace view published.report_coverage as
with report as (
    select
        index_code, fund, as_of_date, min(known_from) as known_from, count(*) as members,
        sum(weight_pct_filed)::double precision as weight_pct
    from core.index_membership where source = 'nport'
    group by index_code, fund, as_of_date
),
unmatched as (
    select
        key ->> 'index_code' as index_code, (key ->> 'as_of_date')::date as as_of_date,
        count(*) as members, sum((row ->> 'weight_pct_filed')::double precision) as weight_pct
    from audit.quarantine
    where table_name = 'index_membership' and row ->> 'source' = 'nport'
        -- a company that has become known since is a member now
        and not exists (
            select from core.index_membership as member
            where member.index_code = key ->> 'index_code'
                and member.as_of_date = (key ->> 'as_of_date')::date
                and (member.cusip = row ->> 'cusip' or member.isin = row ->> 'isin')
        )
    group by 1, 2
)
select
    report.index_code, report.fund, report.as_of_date, report.known_from,
    report.members as matched_members, coalesce(unmatched.members, 0) as unmatched_members,
    report.weight_pct as matched_weight_pct,
    coalesce(unmatched.weight_pct, 0) as unmatched_weight_pct,
    100 * report.weight_pct / (report.weight_pct + coalesce(unmatched.weight_pct, 0))
        as matched_share_pct
from report left join unmatched using (index_code, as_of_date);
comment on view published.report_coverage is
'One row per index and quarterly report (Form N-PORT) stored: how many of its shares, and how much of their weight, matched a known company. The unmatched ones are named in audit.quarantine.';
comment on column published.report_coverage.index_code is 'Code of the index.';
comment on column published.report_coverage.fund is 'Ticker of the fund that filed the report.';
comment on column published.report_coverage.as_of_date is 'Last session of the quarter, whose close the report describes.';
comment on column published.report_coverage.known_from is 'First XNYS session after the filing date.';
comment on column published.report_coverage.matched_members is 'Shares stored as members.';
comment on column published.report_coverage.unmatched_members is 'Shares of no known company, or of several; or quarantined by a rule.';
comment on column published.report_coverage.matched_weight_pct is 'Filed weight of the members, percent of the fund.';
comment on column published.report_coverage.unmatched_weight_pct is 'Filed weight of the unmatched shares, percent of the fund.';
comment on column published.report_coverage.matched_share_pct is 'Percent of the shares'' filed weight that matched.';
