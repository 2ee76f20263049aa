"""The macro series of a tape, with their FRED identifiers."""

from __future__ import annotations

import polars as pl

_H15, _CPI, _TARGET, _ICE = 18, 10, 101, 209
_CMT = "Market Yield on U.S. Treasury Securities at {}-Year Constant Maturity"
_CPI_TITLE = "Consumer Price Index for All Urban Consumers: All Items{} in U.S. City Average"
_RANGE = "Federal Funds Target Range - {} Limit"
_BASE = "Index 1982-1984=100"

#: series_id, title, frequency, units, seasonal_adjustment, release_id
_ROWS = (
    ("CPIAUCSL", _CPI_TITLE.format(""), "Monthly", _BASE, "SA", _CPI),
    ("CPIAUCNS", _CPI_TITLE.format(""), "Monthly", _BASE, "NSA", _CPI),
    ("CPILFESL", _CPI_TITLE.format(" Less Food and Energy"), "Monthly", _BASE, "SA", _CPI),
    ("CPILFENS", _CPI_TITLE.format(" Less Food and Energy"), "Monthly", _BASE, "NSA", _CPI),
    ("FEDFUNDS", "Federal Funds Effective Rate", "Monthly", "Percent", "NSA", _H15),
    ("DFF", "Federal Funds Effective Rate", "Daily, 7-Day", "Percent", "NSA", _H15),
    ("EFFR", "Effective Federal Funds Rate", "Daily", "Percent", "NSA", 378),
    ("DFEDTARU", _RANGE.format("Upper"), "Daily, 7-Day", "Percent", "NSA", _TARGET),
    ("DFEDTARL", _RANGE.format("Lower"), "Daily, 7-Day", "Percent", "NSA", _TARGET),
    ("DGS3MO", _CMT.format("3-Month").replace("-Year", "", 1), "Daily", "Percent", "NSA", _H15),
    ("DGS2", _CMT.format(2), "Daily", "Percent", "NSA", _H15),
    ("DGS10", _CMT.format(10), "Daily", "Percent", "NSA", _H15),
    ("T10Y2Y", "10-Year Treasury Minus 2-Year Treasury", "Daily", "Percent", "NSA", 304),
    ("T10Y3M", "10-Year Treasury Minus 3-Month Treasury", "Daily", "Percent", "NSA", 304),
    (
        "BAMLH0A0HYM2",
        "ICE BofA US High Yield Index Option-Adjusted Spread",
        "Daily, Close",
        "Percent",
        "NSA",
        _ICE,
    ),
    (
        "BAMLH0A0HYM2EY",
        "ICE BofA US High Yield Index Effective Yield",
        "Daily, Close",
        "Percent",
        "NSA",
        _ICE,
    ),
    (
        "BAMLC0A0CMEY",
        "ICE BofA US Corporate Index Effective Yield",
        "Daily, Close",
        "Percent",
        "NSA",
        _ICE,
    ),
    ("DBAA", "Moody's Seasoned Baa Corporate Bond Yield", "Daily", "Percent", "NSA", 119),
    ("DTWEXBGS", "Nominal Broad U.S. Dollar Index", "Daily", "Index Jan 2006=100", "NSA", 17),
    ("UNRATE", "Unemployment Rate", "Monthly", "Percent", "SA", 50),
    ("ICSA", "Initial Claims", "Weekly, Ending Saturday", "Number", "SA", 180),
    ("SOFR", "Secured Overnight Financing Rate", "Daily", "Percent", "NSA", 445),
    ("VIXCLS", "CBOE Volatility Index: VIX", "Daily, Close", "Index", "NSA", 200),
    (
        "A191RL1Q225SBEA",
        "Real Gross Domestic Product",
        "Quarterly",
        "Percent Change from Preceding Period",
        "SAAR",
        53,
    ),
    (
        "GDPC1",
        "Real Gross Domestic Product",
        "Quarterly",
        "Billions of Chained 2017 Dollars",
        "SAAR",
        53,
    ),
)

SERIES_COLUMNS = ("series_id", "title", "frequency", "units", "seasonal_adjustment", "release_id")


def series_frame() -> pl.DataFrame:
    """Return one row per series_id, in the tape's columns."""
    return pl.DataFrame(_ROWS, schema=list(SERIES_COLUMNS), orient="row")
