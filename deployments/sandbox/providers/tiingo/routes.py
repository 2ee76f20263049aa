"""Mock of Tiingo: end-of-day prices as traded, with the splits and dividends of each session."""

import re
from datetime import date, datetime, time
from typing import Any

import numpy as np

from deployments.sandbox.providers.messages import Reply, Request, json_reply
from deployments.sandbox.providers.yahoo.history import ListingIndex
from deployments.sandbox.providers.yahoo.split_adjust import restatement
from deployments.sandbox.tape.records import NEW_YORK, PRICES, Actions, Bars
from deployments.sandbox.tape.tape import Tape

HOST = "api.tiingo.com"
HOSTS = (HOST,)
ROUTE = re.compile(r"/tiingo/daily/([^/]+)/prices/?")
TOKEN = re.compile(r"Token ([0-9a-f]{40})")
UNREGISTERED_TOKEN = "f" * 40
# when most prices of a session are available
PUBLISHED = time(17, 30)


class Tiingo:
    """Replies as Tiingo at the clock's time."""

    def __init__(self, tape: Tape) -> None:
        """Index a tape.

        Args:
            tape: Whose bars and actions are shown; its defects are Yahoo's alone.
        """
        self._listings = ListingIndex(tape)

    def handle(self, request: Request, now: datetime) -> Reply:
        """Reply to one request.

        Args:
            request: To any of HOSTS.
            now: The clock.

        Returns:
            The sessions of the period, the newest one without a period, or a detail of the error.
        """
        header = request.headers.get("authorization", "")
        if not header:
            return error_reply(401, "Please supply a token")
        token = TOKEN.fullmatch(header)
        if token is None or token[1] == UNREGISTERED_TOKEN:
            return error_reply(401, "Invalid token.")
        route = ROUTE.fullmatch(request.path)
        if route is None:
            return error_reply(404, "Not found.")
        ticker = route[1].upper()
        # indexes, which have a caret at Yahoo, are no listings
        traded = None if ticker.startswith("^") else self._listings.as_traded(ticker, now)
        if traded is None:
            return error_reply(404, f"Error: Ticker '{ticker}' not found")
        try:
            start, end = (_day(request.params.get(name)) for name in ("startDate", "endDate"))
        except ValueError:
            return error_reply(400, "Error: Start date format was not correct.")
        local = now.astimezone(NEW_YORK)
        is_known = traded[0].dates < np.datetime64(local.date(), "D")
        if local.time() >= PUBLISHED:
            is_known |= traded[0].dates == np.datetime64(local.date(), "D")
        known = np.flatnonzero(is_known)
        if start is None:
            return json_reply(200, _rows(*traded, known[-1:], local.date()))
        within = traded[0].dates[known] >= np.datetime64(start, "D")
        if end is not None:
            within &= traded[0].dates[known] <= np.datetime64(end, "D")
        return json_reply(200, _rows(*traded, known[within], local.date()))


def error_reply(status: int, detail: str) -> Reply:
    """Build an error as Tiingo words it."""
    return json_reply(status, {"detail": detail})


def hourly_limit_reply(status: int) -> Reply:
    """Build the reply to a request above the plan's limit; Tiingo sends it with 200 as well."""
    text = (
        "Error: You have run over your hourly request allocation. Please upgrade at"
        " https://api.tiingo.com/pricing to have your limits increased."
    )
    return error_reply(status, text)


def _day(text: str | None) -> date | None:
    return None if text is None else datetime.strptime(text, "%Y-%m-%d").date()


def _rows(bars: Bars, actions: Actions, chosen: Any, today: date) -> list[dict[str, Any]]:
    factors = restatement(bars, actions, np.datetime64(today, "D"))
    dates = bars.dates[chosen]
    split = factors.split_factor(dates)
    adjusted = factors.distribution_factor(dates) / split
    splits = dict(zip(actions.splits.dates.tolist(), actions.splits.values.tolist(), strict=True))
    paid: dict[date, float] = {}
    for each in (actions.dividends, actions.capital_gains):
        for day, value in zip(each.dates.tolist(), each.values.tolist(), strict=True):
            paid[day] = paid.get(day, 0.0) + value
    rows = []
    for place, index in enumerate(chosen):
        day = dates[place].item()
        prices = dict(zip(PRICES, bars.prices[:, index].tolist(), strict=True))
        restated = {
            f"adj{name.capitalize()}": value * adjusted[place] for name, value in prices.items()
        }
        rows.append(
            {
                "date": f"{day}T00:00:00.000Z",
                **prices,
                "volume": int(bars.volume[index]),
                **restated,
                "adjVolume": int(np.rint(bars.volume[index] * split[place])),
                "divCash": paid.get(day, 0.0),
                "splitFactor": splits.get(day, 1.0),
            }
        )
    return rows
