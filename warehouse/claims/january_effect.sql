-- statement: Small caps beat large caps in January.
-- said: market commentary, early 2026
-- measure: mean of the price return of small caps less that of large caps in January, over all years of the
--   pair: ^RUT/^GSPC; second witness: IWM/SPY
-- unit: percentage points
-- supported if: the mean is above 0 and its t-statistic 2 or more, of at least 10 Januaries
-- contradicted if: the mean is 0 or less, or its t-statistic below 2
select
    witness.pair as witness, 100 * season.mean_excess_return as measured,
    case when season.years >= 10
        then season.mean_excess_return > 0 and coalesce(season.t_statistic >= 2, false) end as is_met,
    case
        when season.pair is null then format('%s has no complete January.', witness.pair)
        when season.years < 10
            then format('%s has %s Januaries only; 10 are needed.', witness.pair, season.years)
        else format(
            '%s: mean %s points in %s Januaries to %s, t-statistic %s, ahead in %s %% of the years.',
            witness.pair, round((100 * season.mean_excess_return)::numeric, 2), season.years,
            season.year, coalesce(round(season.t_statistic::numeric, 2)::text, 'unknown'),
            round((100 * season.hit_rate)::numeric)
        )
    end as reason,
    season.last_session as as_of_date
from (values (1, '^RUT/^GSPC'), (2, 'IWM/SPY')) as witness (priority, pair)
left join published.seasonality_latest as season
    on season.pair = witness.pair and season.season = 'january'
order by witness.priority;
