"""Calendar of the New York Stock Exchange."""

import warnings
from datetime import date

import exchange_calendars
import pandas as pd


def xnys_calendar(start: date, end: date) -> exchange_calendars.ExchangeCalendar:
    """Return the XNYS calendar between two days."""
    with warnings.catch_warnings():
        # exchange_calendars 4 uses a form that pandas 4 will change
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        return exchange_calendars.get_calendar("XNYS", start=str(start), end=str(end))
