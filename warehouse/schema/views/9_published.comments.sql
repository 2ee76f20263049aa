-- Where a generated view's comment says more than its contract's grain.
comment on view published.company_ticker is
'One row per ticker and day from which the SEC''s list had it for a company. Kept when the list drops it. On a day: the newest known_from not after it; before the first, the first, which is all that is known.';
comment on view published.company is
'One row per filer whose submissions were read: what it says of itself today.';
comment on view published.company_fact is
'One row per fact and filing that states it, comparatives included, for the tags in warehouse/reference/concept.csv. Known on a session: of the rows with known_from not after it, the one filed last. fiscal_year and fiscal_period describe the filing, not the period.';
comment on view published.index_concentration is
'One row per index and day of a holdings file: how much of the index is in few companies. Holds from known_from until the next row''s.';
comment on view published.debt_maturity is
'One row per filer, balance-sheet day, bucket and filing: the maturity ladder as filed, with the dates that each bucket covers. A filing that repeats or amends a ladder has rows of its own: use the newest with known_from not after your day. Buckets of different families are never one ladder; short_term is beside it: short-term borrowings of that day that the ladder does not hold. Without a row: the filer has no such tag, or for that day more of another family, not: nothing is due.';
comment on view published.company_refinancing is
'One row per filer and calendar quarter-end, as its filings showed it by then: debt, cash, what falls due, interest and coverage of the four quarters to period_end. Every amount is from filings named in sources. NULL: not filed, or a part is missing (missing_reasons says why); nothing is carried forward.';
comment on view published.refinancing_wall is
'One row per index, sector (All: the whole index, Financials among them), quarter-end and calendar year (9999: later than the ladders say): principal due by the newest ladders known that are not stale, and short-term borrowings. Read it with debt_coverage_pct beside it: what members without a ladder owe is in no year. Where no debt is known there is no row.';
comment on view published.rate_shock is
'One row per index, sector (All: without Financials), quarter-end and shock: what a parallel change of short rates does to a year of interest, with the share of debt for which the floating share is known, and bounds for the rest. The floating share is disclosed by nearly nobody: it is the implied one, a proxy, elsewhere.';
comment on view published.zombie_status is
'One row per filer, quarter-end and definition of a zombie. NULL with missing_reason where the filings or prices do not say. Financials have no row: their interest is what their funds cost.';
comment on view published.rotation_metrics is
'One row per pair SMALL/LARGE and session on which both legs trade. Every column uses that session and earlier ones only; a window that is not full is NULL. excess_total_return_N is S''s total return minus L''s over N of the pair''s sessions, both with dividends reinvested at the ex-date.';
comment on view published.sector_breadth is
'One row per index, sector (All: the whole index) and session: how many of that day''s members take part. Every column uses that session and earlier ones only, and members as known by then, except where is_backcast. Windows count a member''s own closes. A percentage stands beside its denominator.';
comment on view published.corporate_action is
'One row per ticker, ex-date and kind: splits, dividends and capital gains as they were paid. A value of NULL: the vendor lists a distribution whose amount was not believed; audit.quarantine has it.';
comment on column published.corporate_action.ticker is 'The symbol in force on the ex-date, in Yahoo''s spelling.';
comment on view published.restatement is
'One row per superseded value: what the warehouse held, what took its place, when and by which run. new_value is NULL where the whole row was withdrawn or the value became unknown.';
comment on column published.restatement.table_name is 'The table, by its published name.';
comment on column published.restatement.key is 'The row''s key.';
comment on column published.restatement.column_name is 'The column that differs.';
comment on column published.restatement.old_value is 'The value replaced. NULL: it was unknown.';
comment on column published.restatement.new_value is 'The value in its place. NULL: the row was withdrawn, or the value became unknown.';
comment on column published.restatement.run_id is 'The run that loaded the newer value: audit.run.';
comment on view published.macro_observation is
'One row per series, observation and vintage. Known on a day: the newest vintage_date not after it. An observation that was never published stays NULL with its reason.';
