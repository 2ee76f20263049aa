"""Small inputs of claims: rows of the tables that their queries read."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from expectations.calendars.trading import session_dates
from tests.warehouse.claims.rows import Row

Tables = Mapping[str, list[Row]]

DECEMBER, JANUARY = date(2025, 12, 31), date(2026, 1, 30)
BEFORE, WEEK_END, QUARTER = date(2026, 2, 6), date(2026, 2, 13), date(2026, 3, 31)
SEVEN = ("AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA")
SECTORS = {
    **{"Industrials": 17, "Financials": 16, "Health Care": 15},
    **{"Information Technology": 14, "Consumer Discretionary": 11, "Energy": 27},
}


def closes(**of: Mapping[date, float]) -> Tables:
    """Bars by ticker; RUT stands for ^RUT."""
    return {
        "core.daily_price": [
            {"ticker": "^RUT" if t == "RUT" else t, "session_date": day, "close": close}
            for t, days in of.items()
            for day, close in days.items()
        ]
    }


def moves(first: date, last: date, **percent: float) -> Tables:
    """Closes of two days by ticker and the percent between them."""
    return closes(**{t: {first: 100.0, last: 100.0 + p} for t, p in percent.items()})


def observed(**series: Mapping[date, float]) -> Tables:
    """Observations of series, each published on its own day."""
    return {
        "core.macro_observation": [
            {"series_id": s, "observation_date": day, "vintage_date": day, "value": value}
            for s, days in series.items()
            for day, value in days.items()
        ]
    }


def daily(*values: float) -> dict[date, float]:
    """Values of consecutive days, the last of them 2026-03-02."""
    last = date(2026, 3, 2)
    return {last - timedelta(days=n): v for n, v in enumerate(reversed(values))}


def cpi(january: float, released: date = date(2026, 2, 11)) -> Tables:
    """First releases of January 2025 at 100 and of January 2026."""
    months = ((2025, 100.0, date(2025, 2, 12)), (2026, january, released))
    return {
        "core.macro_observation": [
            {
                "series_id": "CPIAUCNS",
                "observation_date": date(year, 1, 1),
                "vintage_date": day,
                "value": value,
            }
            for year, value, day in months
        ]
    }


def forecast() -> Tables:
    """The consensus for CPI of January 2026."""
    day = date(2026, 2, 11)
    return {
        "derived.release_reaction": [
            {
                **{"release": "cpi", "release_date": day, "subject": "IWM"},
                **{"event_window": "day_0", "event_session": day, "window_end": day},
                **{"known_from": day, "reference_date": date(2026, 1, 1)},
                **{"consensus_pct": 2.9, "consensus_source": "a survey"},
                **{"consensus_published_on": day, "missing_reason": "short"},
            }
        ]
    }


def streaks(of_days: Mapping[date, int], pair: str = "IWM/SPY") -> Tables:
    return {
        "derived.rotation_metrics": [
            {"pair": pair, "session_date": day, "outperformance_streak": n}
            for day, n in of_days.items()
        ]
    }


def companies(*rows: Row, as_of_date: date = QUARTER, **all_of: Any) -> Tables:
    return {
        "derived.company_refinancing": [
            {"cik": number, "ticker": f"C{number}", "as_of_date": as_of_date, **all_of, **row}
            for number, row in enumerate(rows, start=1)
        ]
    }


def members(weights: Mapping[str, float], index_code: str = "R2000", **sectors: str) -> Tables:
    return {
        "core.index_membership": [
            {
                **{"index_code": index_code, "ticker": ticker, "weight_pct": weight},
                "sector": sectors.get(ticker),
            }
            for ticker, weight in weights.items()
        ]
    }


def sectors(of: Mapping[str, float], index_code: str = "R2000") -> Tables:
    tickers = {f"S{n}": name for n, name in enumerate(of)}
    return members({t: of[name] for t, name in tickers.items()}, index_code, **tickers)


def joined(*parts: Tables) -> Tables:
    tables = dict.fromkeys(name for part in parts for name in part)
    return {name: [row for part in parts for row in part.get(name, [])] for name in tables}


def losses(losing: int, earning: int, unknown: int = 0, index_code: str = "R2000") -> Tables:
    """Members of equal weight, some with a loss."""
    prefix = "C" if index_code == "R2000" else "D"
    shift = 0 if index_code == "R2000" else 1000
    flags = [True] * losing + [False] * earning
    rows = [
        {"cik": n + shift, "ticker": f"{prefix}{n}", "is_unprofitable": flag}
        for n, flag in enumerate(flags, start=1)
    ]
    total = losing + earning + unknown
    weights = {f"{prefix}{n}": 100 / total for n in range(1, total + 1)}
    return joined(companies(*rows, index_code=index_code), members(weights, index_code))


def floating(share: float | None, index_code: str = "R2000") -> Tables:
    """Three companies: a debt of 300 with one share, one of 100 with none, one of 100 unknown."""
    known = None if share is None else 0.0
    return companies(
        {"total_debt_usd": 300.0, "implied_floating_share": share},
        {"total_debt_usd": 100.0, "implied_floating_share": known},
        {"total_debt_usd": 100.0},
        index_code=index_code,
    )


def wall(repaid: float) -> Tables:
    """A company with 60 due in twelve months and less debt a year later."""
    first, last = {"total_debt_usd": 100.0, "due_12m_usd": 60.0}, {"total_debt_usd": 100.0 - repaid}
    ends = {"period_end": date(2024, 12, 31)}, {"period_end": date(2025, 12, 31)}
    return joined(
        companies(first | ends[0], as_of_date=date(2025, 3, 31)),
        companies(last | ends[1], as_of_date=QUARTER),
    )


def rates_lagging(quarters: int) -> Tables:
    """The effective rate of debt follows the funds rate after some quarters."""
    funds = [1.0, 1.5, 1.25, 3.0, 2.0, 2.5, 4.5, 4.0, 5.25, 5.0, 3.0, 3.5, 1.0, 2.0, 1.5, 4.0]
    funds += [4.25, 3.0, 3.25, 2.0, 1.0, 1.75, 2.5, 2.0]
    first = [date(2020 + n // 4, 3 * (n % 4) + 1, 1) for n in range(len(funds))]
    ends = [day - timedelta(days=1) for day in [*first[1:], date(2026, 1, 1)]]
    rows = [
        {"cik": 1, "total_debt_usd": 10.0, "effective_rate": funds[n - quarters] / 100}
        | {"as_of_date": end}
        for n, end in enumerate(ends)
        if n >= quarters
    ]
    return joined(
        observed(DFF=dict(zip(first, funds, strict=True))),
        {"derived.company_refinancing": rows},
    )


def valuations(*gaps: float) -> Tables:
    """Quarter-ends at which large caps cost some multiples more than small caps, at 10."""
    days = [date(2020 + n // 4, 3 * (n % 4) + 1, 28) for n in range(len(gaps))]
    return {
        "derived.valuation": [
            {
                **{"index_code": code, "as_of_date": day},
                **{"price_to_earnings_ex_losers": pe, "price_to_earnings": 2 * pe},
            }
            for day, gap in zip(days, gaps, strict=True)
            for code, pe in (("R2000", 10.0), ("SP500", 10.0 + gap))
        ]
    }


def januaries(years: int, mean: float, t_statistic: float) -> Tables:
    row = {"pair": "^RUT/^GSPC", "years": years, "mean_excess_return": mean, "hit_rate": 0.5}
    return {"derived.seasonality": [row | {"t_statistic": t_statistic}]}


def biotech(beta: float | None, error: float | None) -> Tables:
    row = {"subject": "XBI", "beta_dgs10_252_pct": beta, "se_dgs10_252_pct": error}
    return {"derived.rate_sensitivity": [row]}


def breadth(pct: float | None) -> Tables:
    row = {"index_code": "R2000", "session_date": WEEK_END, "pct_above_50": pct}
    return {"derived.sector_breadth": [row | {"members": 10, "eligible_50": 10}]}


def five_years(last_lead: date, first: date = date(2001, 12, 3)) -> Tables:
    """The ratio rises until a session, and falls for good from then on."""
    days = session_dates(first, DECEMBER)
    peak = len([day for day in days if day <= last_lead])
    # a level of 2 at the start of the last window that is ahead, 3 at its end, 1 afterwards
    ratios = [3.0 if n < peak else 1.0 for n in range(len(days))]
    for n in range(peak - 1260):
        ratios[n] = 2.0
    return {
        "derived.rotation_metrics": [
            {"pair": "IWM/SPY", "session_date": day, "ratio": ratio}
            for day, ratio in zip(days, ratios, strict=True)
        ]
    }


def junk(loss_pct: float, profit_pct: float, count: int = 10) -> Tables:
    """Companies since the turn to rotation on 2026-01-30, half of them with a loss."""
    regimes = {DECEMBER: "concentration", JANUARY: "rotation", WEEK_END: "rotation"}
    flags = [True] * count + [False] * count
    rows = [{"is_unprofitable": flag} for flag in flags]
    percents = {f"C{n}": loss_pct if f else profit_pct for n, f in enumerate(flags, start=1)}
    return joined(
        {
            "derived.rotation_metrics": [
                {"pair": "IWM/SPY", "session_date": day, "regime": regime}
                for day, regime in regimes.items()
            ]
        },
        companies(*rows, as_of_date=DECEMBER),
        moves(JANUARY, WEEK_END, **percents),
    )


def zombies(*flags: bool | None) -> Tables:
    """Loss makers, some of them zombies, and a member that earns."""
    rows = [{"is_unprofitable": True, "is_zombie": flag, "total_debt_usd": 1.0} for flag in flags]
    rows.append({"is_unprofitable": False, "is_zombie": False, "total_debt_usd": 1.0})
    weights = {f"C{n}": 1.0 for n in range(1, len(rows) + 1)}
    return joined(companies(*rows), members(weights))


def policy(after: float, first: date = date(2025, 8, 29)) -> Tables:
    return observed(DFEDTARU={first: 4.5, date(2025, 9, 18): 4.25, DECEMBER: after})


def seven(percent: float, iwm: float) -> Tables:
    return moves(date(2025, 10, 31), WEEK_END, **dict.fromkeys(SEVEN, percent), IWM=iwm)


def week(percent: float) -> Tables:
    return moves(BEFORE, WEEK_END, IWM=percent)
