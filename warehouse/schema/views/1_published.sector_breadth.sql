-- as_of.sector_breadth returns this view's row type, so the view comes first.
create or replace view published.sector_breadth as
select
    index_code, sector, session_date, members, priced, advancers, decliners, unchanged,
    advancing_volume, declining_volume, eligible_20, eligible_50, eligible_200, eligible_252,
    pct_above_20, pct_above_50, pct_above_200, new_highs_252, new_lows_252, ad_line,
    mcclellan_ema_19, mcclellan_ema_39, mcclellan_oscillator, mcclellan_summation, trin,
    thrust_ema_10, thrust_sessions_since_low, is_zweig_thrust, equal_weight_return,
    cap_weight_return, membership_as_of, is_backcast, loaded_at
from derived.sector_breadth;
comment on view published.sector_breadth is
'One row per index, sector (All: the whole index) and session: how many of that day''s members take part. Every column uses that session and earlier ones only, and members as known by then, except where is_backcast. Windows count a member''s own closes. A percentage stands beside its denominator.';
