"""Fetch one small thing from each provider, and say what a live run will have and lack."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime

import numpy as np
import psycopg

from expectations.calendars.trading import new_york_date, sessions_between
from tasks.extract.fred.client import FredClient, fetch_fredgraph_csv
from tasks.extract.ishares.client import fetch_holdings, open_http_client, start_session
from tasks.extract.ishares.extract import get_fund
from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.rate_limit import PostgresRateLimiter, RateLimiter
from tasks.extract.sec.client import DATA, WWW, SecClient
from tasks.extract.tiingo.client import TiingoClient
from tasks.health.finding import Finding, Level
from tasks.http_client import Client, Response
from tasks.run.clock import now as logical_time
from warehouse.connect.dsn import embedded_server, is_embedded
from warehouse.settings import Settings

TICKER = "IWM"
SERIES = "CPIAUCSL"
HISTORY_DAYS = 14
# the newest bar may be of the session before today's
MAX_BAR_AGE_SESSIONS = 2
MAX_CLOCK_SKEW = timedelta(minutes=5)

LACKS = {
    "yahoo": "no prices, splits or dividends, and no table derived from them",
    "fred": "no macro series and no macro_regime",
    "ishares": "no new index members; without any there is no breadth, concentration or wall",
    "sec": "no filings, refinancing or valuation figures",
    "tiingo": "prices that no second source confirms; nothing else depends on it",
}
# no run fails without them
OPTIONAL = ("tiingo",)
ADVICE = {
    "timeout": "The provider or a proxy between does not reply; try again later.",
    "tls": (
        "Its certificate is not trusted or has expired. Behind a proxy that opens TLS, set"
        " SSL_CERT_FILE and REQUESTS_CA_BUNDLE to the proxy's certificate."
    ),
    "proxy": "The proxy refused the connection: check HTTPS_PROXY and its permitted hosts.",
    "dns": "The host name cannot be resolved: check the network, or set HTTPS_PROXY.",
    "connection_refused": "Check the network, firewall and HTTPS_PROXY.",
    "connection_reset": "A firewall or the provider closed the connection; try again later.",
    "consent_page": (
        "Yahoo asks this address for consent again and again: open https://finance.yahoo.com in a"
        " browser of this network once, or run from another network."
    ),
    "html": "It sent a page instead of data: an outage, a block or a proxy's login page.",
    "service_unavailable": "The provider is down; try again later.",
    "throttled": "Wait an hour; other programs at this address count, too.",
    "client_refused": "It refuses this client or address. Try another network.",
    "hourly_limit": "Wait an hour, or lower ROTATION_TIINGO_REQUESTS_PER_HOUR.",
    "currency_not_usd": "Such prices are not loaded.",
    "no_data": "The reply has no data; try again later.",
    "cooldown": "An earlier run was blocked; requests before the pause ends prolong the block.",
}
BROKEN_REPLY = "The reply is incomplete or of another form; try again, then see docs/runbook.md."


@dataclass
class ClockProbe:
    """Collect the difference between the logical time and the providers' Date headers."""

    settings: Settings
    skews: list[timedelta] = field(default_factory=list)

    def watch(self, client: Client) -> None:
        """Record the Date header of each reply of a client."""
        client.event_hooks["response"].append(self._record)

    def _record(self, response: Response) -> None:
        header = response.headers.get("Date")
        if header is not None and "Age" not in response.headers:
            self.skews.append(logical_time(self.settings) - parsedate_to_datetime(header))

    def finding(self) -> Finding:
        """Return what the replies say about this machine's clock."""
        if not self.skews:
            return Finding("warning", "clock", "not compared: no provider sent its time")
        skew = min(self.skews, key=abs)
        if abs(skew) > MAX_CLOCK_SKEW:
            direction = "ahead of" if skew > timedelta() else "behind"
            return Finding(
                "failed",
                "clock",
                f"the clock is {abs(skew)} {direction} the providers'. Runs would date values"
                " wrongly: set this machine's clock, and ROTATION_CLOCK if it is set.",
            )
        return Finding("OK", "clock", f"within {MAX_CLOCK_SKEW} of the providers' time")


def check_providers(settings: Settings, now: datetime) -> list[Finding]:
    """Send each provider one small request; return a finding each, and one on the clock.

    No request is repeated: a retry would hide a fault, and prolong a block.
    """
    clock = ClockProbe(settings)
    today = new_york_date(now)
    checks: dict[str, Callable[[], Finding]] = {
        "yahoo": lambda: _check_yahoo(settings, today),
        "fred": lambda: _check_fred(settings),
        "ishares": lambda: _check_ishares(settings, today, clock),
        "sec": lambda: _check_sec(settings, clock),
        "tiingo": lambda: _check_tiingo(settings, today, clock),
    }
    # together, so that several that hang take the time of one
    with ThreadPoolExecutor(len(checks)) as pool:
        findings = [*pool.map(lambda name: _run_check(name, checks[name]), checks)]
    return [*findings, clock.finding()]


def _run_check(provider: str, check: Callable[[], Finding]) -> Finding:
    """Return the finding of a check, or of the error that it ended with."""
    try:
        return check()
    except FetchError as error:
        sentences = [f"{error.reason}: {error.detail}"]
        sentences += [] if error.is_fatal else [_advice(error.reason)]
    except OSError as error:
        # a certificate file that cannot be read, before any request
        sentences = [f"{type(error).__name__}: {error}"]
    sentences.append(f"A live run would have {LACKS[provider]}.")
    level: Level = "warning" if provider in OPTIONAL else "failed"
    # what a library says often ends without a full stop
    return Finding(level, provider, " ".join(f"{each.rstrip('. ')}." for each in sentences))


def _advice(reason: str) -> str:
    if reason in ("http_401", "http_403", "http_406"):
        reason = "client_refused"
    if reason.startswith("http_5"):
        reason = "service_unavailable"
    return ADVICE.get(reason, BROKEN_REPLY)


def _check_yahoo(settings: Settings, today: date) -> Finding:
    # importing yfinance takes a second and changes settings of the process
    from tasks.extract.yahoo.client import YahooClient

    client = YahooClient(settings)
    bars = client.history(TICKER, today - timedelta(days=HISTORY_DAYS), today).bars
    sessions = bars["session_date"][~np.isnan(bars["close"])]
    if not len(sessions):
        detail = f"Yahoo knows {TICKER} and sent no bar of the last {HISTORY_DAYS} days."
        raise FetchError("empty", "no_data", detail)
    newest = sessions.max().item().date()
    if (age := sessions_between(newest, today)) > MAX_BAR_AGE_SESSIONS:
        return Finding(
            "warning",
            "yahoo",
            f"the newest bar of {TICKER} is of {newest}, {age} sessions ago: Yahoo lacks sessions."
            " A live run loads what there is and requests the others again each day.",
        )
    if client.crumb_status == 429:
        return Finding(
            "warning",
            "yahoo",
            "Yahoo throttles this address (429 at the crumb) and still sends prices. A live run"
            " may be cut short: halve ROTATION_YAHOO_REQUESTS_PER_SECOND.",
        )
    detail = f"{len(sessions)} bars of {TICKER} to {newest}; a live run has prices and splits"
    return Finding("OK", "yahoo", detail)


def _check_fred(settings: Settings) -> Finding:
    with _shared_limiter("fred", settings.fred_requests_per_second, settings) as limiter:
        return _ask_fred(settings, limiter)


def _ask_fred(settings: Settings, limiter: RateLimiter) -> Finding:
    if settings.fred_api_key is None:
        frame = fetch_fredgraph_csv(SERIES, limiter, settings.fred_timeout_seconds)
        return Finding(
            "warning",
            "fred",
            f"{len(frame)} values of {SERIES} without a key. A live run has the newest values, and"
            " lacks vintages: values count as known from the first run on. Set FRED_API_KEY.",
        )
    client = FredClient(settings.fred_api_key, limiter, settings.fred_timeout_seconds)
    dates = client.vintage_dates(SERIES)
    if not dates:
        raise FetchError("empty", "no_data", f"FRED lists no vintage of {SERIES}.")
    return Finding(
        "OK",
        "fred",
        f"{len(dates)} vintages of {SERIES} to {max(dates)}; a live run has macro series with all"
        " vintages",
    )


def _check_ishares(settings: Settings, today: date, clock: ClockProbe) -> Finding:
    session = start_session(settings)
    name = settings.funds[0]
    with open_http_client(settings) as client:
        clock.watch(client)
        file = fetch_holdings(client, session, get_fund(name), None, today)
    refusals = [error.detail for errors in session.refusals.values() for error in errors]
    found = (
        f"{len(file.members)} members of {name} as of {file.as_of_date}; a live run has the"
        f" members of {', '.join(settings.funds)} from then on"
    )
    if refusals:
        return Finding("warning", "ishares", " ".join([*refusals, "Another URL gave", found]))
    return Finding("OK", "ishares", found)


def _check_sec(settings: Settings, clock: ClockProbe) -> Finding:
    if settings.sec_user_agent is None:
        return Finding(
            "warning", "sec", f"not asked, without a contact; a live run has {LACKS['sec']}"
        )
    with _shared_limiter("sec", settings.sec_requests_per_second, settings) as limiter:
        if pause := limiter.remaining_pause():
            detail = f"Not sent: requests to the SEC are paused for another {pause:.0f} seconds."
            raise FetchError("throttled", "cooldown", detail)
        client = SecClient(settings, limiter)
        with client.http:
            clock.watch(client.http)
            url = f"{WWW}/files/company_tickers_exchange.json"
            companies = client.json(url, "symbols")["data"]
            # the two hosts are blocked one by one
            cik = int(companies[0][0])
            client.json(f"{DATA}/submissions/CIK{cik:010}.json", f"company {cik}")
    return Finding(
        "OK", "sec", f"{len(companies)} symbols and one company's filings; a live run has filings"
    )


def _check_tiingo(settings: Settings, today: date, clock: ClockProbe) -> Finding:
    if settings.tiingo_api_key is None:
        return Finding(
            "OK",
            "tiingo",
            "off: without TIINGO_API_KEY prices are not compared with a second source",
        )
    with _shared_limiter("tiingo", settings.tiingo_requests_per_second, settings) as limiter:
        client = TiingoClient(
            settings.tiingo_api_key, limiter, settings.tiingo_timeout_seconds, max_requests=1
        )
        with client:
            clock.watch(client.http)
            start = today - timedelta(days=HISTORY_DAYS)
            sessions = client.daily_prices(TICKER, start, today)["session_date"]
    newest = sessions.max().date()
    return Finding(
        "OK",
        "tiingo",
        f"{len(sessions)} closes of {TICKER} to {newest}; a daily run compares stored prices with"
        " Tiingo's",
    )


@contextmanager
def _shared_limiter(provider: str, rate: float, settings: Settings) -> Iterator[RateLimiter]:
    """Open the limiter of all processes, which remembers a block, if a warehouse is running."""
    if is_embedded(settings) and not embedded_server(settings).is_running():
        yield RateLimiter(rate)
        return
    try:
        shared = PostgresRateLimiter(provider, rate, settings)
        shared.remaining_pause()
    except psycopg.Error:  # no warehouse yet, or one that is not migrated
        yield RateLimiter(rate)
        return
    with closing(shared):
        yield shared
