create or replace view published.corporate_action as
select ticker.ticker, action.ex_date, action.kind, action.value, action.source, action.loaded_at
from core.corporate_action as action
join core.ticker as ticker
    on ticker.instrument_id = action.instrument_id
    and ticker.valid_from <= action.ex_date and action.ex_date < ticker.valid_to;
comment on view published.corporate_action is
'One row per ticker, ex-date and kind: splits, dividends and capital gains as they were paid. A value of NULL: the vendor lists a distribution whose amount was not believed; audit.quarantine has it.';
comment on column published.corporate_action.ticker is 'The symbol in force on the ex-date, in Yahoo''s spelling.';
