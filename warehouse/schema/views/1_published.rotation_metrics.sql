-- as_of.rotation_metrics returns this view's row type, so the view comes first.
create or replace view published.rotation_metrics as
select
    pair, session_date, ratio, ratio_sma_50, ratio_sma_200, ratio_drawdown_252,
    excess_return_1, excess_return_5, excess_return_21, excess_return_63, excess_return_126,
    excess_return_252, excess_total_return_1, excess_total_return_5, excess_total_return_21,
    excess_total_return_63, excess_total_return_126, excess_total_return_252, zscore_252,
    rs_ratio, rs_momentum, quadrant, outperformance_streak, beta_63, correlation_63, regime,
    loaded_at
from derived.rotation_metrics;
comment on view published.rotation_metrics is
'One row per pair SMALL/LARGE and session on which both legs trade. Every column uses that session and earlier ones only; a window that is not full is NULL. excess_total_return_N is S''s total return minus L''s over N of the pair''s sessions, both with dividends reinvested at the ex-date.';
