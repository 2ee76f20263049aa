"""Yahoo's chart reply: one listing's rows within a period, in Yahoo's JSON."""

import re
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from deployments.sandbox.providers.messages import Reply, Request, json_reply
from deployments.sandbox.providers.yahoo.history import Listing, ListingIndex, session_close
from deployments.sandbox.tape.records import NEW_YORK, PRICES, DatedValues, session_open

RANGES = ("1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max")
SESSION_SECONDS = 6 * 3600 + 1800
DAYS = {"d": 1, "wk": 7, "mo": 30.4375, "y": 365.25}
# exchangeName, fullExchangeName and exchangeTimezoneName. Cboe's indices keep Chicago time.
EXCHANGES = {
    "EQUITY": ("NMS", "NasdaqGS", "America/New_York"),
    "ETF": ("PCX", "NYSEArca", "America/New_York"),
    "INDEX": ("CXI", "Cboe Indices", "America/Chicago"),
}
NOT_FOUND = "No data found, symbol may be delisted"


def chart_error(status: int, code: str, description: str) -> Reply:
    """Build Yahoo's reply to a chart request that it cannot serve."""
    error = {"code": code, "description": description}
    return json_reply(status, {"chart": {"result": None, "error": error}})


def chart_reply(histories: ListingIndex, symbol: str, request: Request, now: datetime) -> Reply:
    """Reply to a v8 chart request for daily bars.

    Args:
        histories: The tape's listings.
        symbol: As asked for.
        request: With ``range``, or ``period1`` and ``period2``, and ``events``.
        now: The clock.

    Returns:
        The chart, or one of Yahoo's errors.
    """
    params = request.params
    interval = params.get("interval", "1d")
    if interval != "1d":
        return chart_error(422, "Unprocessable Entity", f"Invalid input - interval={interval}")
    listing = histories.find(symbol, now)
    if listing is None:
        return chart_error(404, "Not Found", NOT_FOUND)
    shown = _VisibleRows(listing, now)
    try:
        start, end = _window(params, shown, now)
    except ValueError:
        return chart_error(422, "Unprocessable Entity", f"Invalid input - {request.query}")
    chosen = np.flatnonzero((shown.stamps >= start) & (shown.stamps < end))
    if not len(chosen):
        last = listing.instrument.last_session
        if last and last < now.astimezone(NEW_YORK).date():
            return chart_error(404, "Not Found", NOT_FOUND)
        text = f"Data doesn't exist for startDate = {start}, endDate = {end}"
        return chart_error(400, "Bad Request", text)
    result: dict[str, Any] = {"meta": _meta(symbol, listing, shown, int(chosen[0]), params, now)}
    result["timestamp"] = shown.stamps[chosen]
    events = _events(listing, re.split("[,|]", params.get("events", "")), start, end, now)
    if events:
        result["events"] = events
    prices = shown.prices[:, chosen]
    quote: dict[str, Any] = {name: prices[n].copy() for n, name in enumerate(PRICES)}
    quote["volume"] = _whole(shown.volume[chosen])
    adjusted = {"adjclose": shown.adjusted[chosen]}
    result["indicators"] = {"quote": [quote], "adjclose": [adjusted]}
    return json_reply(200, {"chart": {"result": [result], "error": None}})


class _VisibleRows:
    """Rows visible at the clock's time, with the open session truncated."""

    def __init__(self, listing: Listing, now: datetime) -> None:
        rows, second = listing.rows, int(now.timestamp())
        index = np.flatnonzero((rows.opens_at <= second) | rows.is_extra)
        self.stamps = rows.opens_at[index]
        self.prices = rows.prices[:, index]
        self.adjusted = rows.adjusted[index]
        self.volume = rows.volume[index]
        traded = np.flatnonzero(~rows.is_extra[index] & np.isfinite(self.prices[3]))
        self.last = int(traded[-1]) if len(traded) else 0
        self.market_time = int(self.stamps[self.last]) + SESSION_SECONDS
        today = now.astimezone(NEW_YORK).date()
        current = np.flatnonzero(
            (rows.dates[index] == np.datetime64(today)) & ~rows.is_defect[index]
        )
        if len(current) and second < session_close(today):
            self._truncate_open_session(int(current[-1]), second, today)

    def _truncate_open_session(self, row: int, second: int, today: date) -> None:
        """Interpolate from open to close; the extremes are reached at the close."""
        opened = session_open(today)
        part = (second - opened) / (session_close(today) - opened)
        first, high, low, close = self.prices[:, row]
        price = first + part * (close - first)
        top, bottom = max(first, price), min(first, price)
        self.prices[:, row] = (
            first,
            top + part * (high - top),
            bottom + part * (low - bottom),
            price,
        )
        self.adjusted[row] *= price / close
        self.volume[row] = np.floor(self.volume[row] * part)
        # Yahoo dates the unfinished bar by its last quote, not by the open.
        self.stamps[row] = self.market_time = second


def _window(params: dict[str, str], shown: _VisibleRows, now: datetime) -> tuple[int, int]:
    if "period1" in params:
        return int(params["period1"]), int(params["period2"])
    range_text = params.get("range", "1d")
    end = max(int(now.timestamp()), int(shown.stamps[-1])) + 1
    if range_text == "max":
        return int(shown.stamps[0]), end
    today = now.astimezone(NEW_YORK).date()
    if range_text == "ytd":
        return session_open(date(today.year, 1, 1)), end
    match = re.fullmatch(r"(\d+)(d|wk|mo|y)", range_text)
    if not match:
        raise ValueError(range_text)
    count, unit = int(match[1]), match[2]
    if unit == "d":  # sessions: the vendor's last ones, however old
        return int(shown.stamps[-min(max(count, 1), len(shown.stamps))]), end
    return session_open(today - timedelta(days=round(count * DAYS[unit]))), end


def _whole(volume: np.ndarray) -> Any:
    if np.isnan(volume).any():
        return [None if np.isnan(value) else int(value) for value in volume]
    return volume.astype(np.int64)


def _events(
    listing: Listing, event_kinds: list[str], start: int, end: int, now: datetime
) -> dict[str, Any]:
    today = np.datetime64(now.astimezone(NEW_YORK).date())

    def known(effects: DatedValues) -> list[tuple[int, float]]:
        pairs = zip(effects.dates, effects.values.tolist(), strict=True)
        stamped = [(session_open(day.item()), value) for day, value in pairs if day <= today]
        return [(stamp, value) for stamp, value in stamped if start <= stamp < end]

    actions, events = listing.actions, {}
    paid = {
        "dividends": ("div", actions.dividends),
        "capitalGains": ("capitalGains", actions.capital_gains),
    }
    for name, (word, effects) in paid.items():
        restated = effects.values / listing.factors.split_factor(effects.dates)
        if word in event_kinds and (found := known(DatedValues(effects.dates, restated))):
            events[name or word] = {str(at): {"amount": value, "date": at} for at, value in found}
    if {"split", "splits"} & set(event_kinds) and (found := known(actions.splits)):
        events["splits"] = {str(at): _split(at, value) for at, value in found}
    return events


def _split(stamp: int, value: float) -> dict[str, Any]:
    new, old = Fraction(value).limit_denominator(10_000).as_integer_ratio()
    entry = {"date": stamp, "numerator": float(new), "denominator": float(old)}
    return entry | {"splitRatio": f"{new}:{old}"}


def _meta(
    symbol: str,
    listing: Listing,
    shown: _VisibleRows,
    first: int,
    params: dict[str, str],
    now: datetime,
) -> dict[str, Any]:
    kind = listing.instrument.type
    exchange, full_name, zone = EXCHANGES.get(kind, EXCHANGES["EQUITY"])
    local = now.astimezone(ZoneInfo(zone))
    offset = {"timezone": local.tzname(), "gmtoffset": int(local.strftime("%z")[:3]) * 3600}
    today = now.astimezone(NEW_YORK).date()

    def period(start: time, end: time) -> dict[str, Any]:
        ends = [int(datetime.combine(today, at, NEW_YORK).timestamp()) for at in (start, end)]
        return {"start": ends[0], "end": ends[1]} | offset

    price = float(shown.prices[3, shown.last])
    return {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": exchange,
        "fullExchangeName": full_name,
        "instrumentType": kind,
        "firstTradeDate": listing.rows.opens_at[0],
        "regularMarketTime": shown.market_time,
        "hasPrePostMarketData": kind != "INDEX",
        **offset,
        "exchangeTimezoneName": zone,
        "regularMarketPrice": price,
        "longName": symbol,
        "shortName": symbol,
        "chartPreviousClose": float(shown.prices[3, max(first - 1, 0)]),
        "priceHint": 4 if price < 1 else 2,
        "currentTradingPeriod": {
            "pre": period(time(4), time(9, 30)),
            "regular": period(time(9, 30), time(16)),
            "post": period(time(16), time(20)),
        },
        "dataGranularity": "1d",
        "range": params.get("range", ""),
        "validRanges": RANGES,
    }
