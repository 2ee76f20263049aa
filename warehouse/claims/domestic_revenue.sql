-- statement: Small caps earn 80 to 90 % of their revenue at home.
-- said: market commentary, early 2026
-- measure: domestic share of revenue
-- unit: percent
-- supported if: the share is between 80 and 90 %
-- contradicted if: it is not
-- not measurable: Revenue by region is reported with dimensions, which companyfacts do not contain.
select
    'R2000' as witness, null::double precision as measured, null::boolean as is_met,
    null::text as reason, null::date as as_of_date
where false;
