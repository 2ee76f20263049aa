-- Rewrites the factors of the instruments whose bars or actions this transaction wrote, where they
-- differ from what is held. Day for day most of them don't.
create temporary table changed_instrument on commit drop as
select instrument_id from changed_daily_price
union
select instrument_id from changed_corporate_action;
-- next statement
analyze changed_instrument;
-- next statement
create temporary table new_factor on commit drop as
select *
from as_of.adjustment_factor(
    'infinity', (select coalesce(array_agg(instrument_id), '{}') from changed_instrument)
);
-- next statement
analyze new_factor;
-- next statement
delete from derived.adjustment_factor as held
using changed_instrument
where held.instrument_id = changed_instrument.instrument_id
    and not exists (
        select
        from new_factor
        where new_factor.instrument_id = held.instrument_id and new_factor.ex_date = held.ex_date
            and (new_factor.*) is not distinct from (held.*)
    );
-- next statement
insert into derived.adjustment_factor
select *
from new_factor
where not exists (
    select
    from derived.adjustment_factor as held
    where held.instrument_id = new_factor.instrument_id and held.ex_date = new_factor.ex_date
)
