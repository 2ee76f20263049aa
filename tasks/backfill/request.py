"""What a backfill is asked for, and whether that can be."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import pandas as pd
from psycopg import Connection
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from expectations.calendars.trading import new_york_date, session_closes
from tasks.backfill.targets import ALL_INDEXES, read_member_tickers, read_target_companies
from tasks.extract.fred.extract import SERIES_ID
from tasks.extract.sec.client import MISSING_USER_AGENT_MESSAGE
from tasks.extract.yahoo.extract import TICKER
from tasks.plan.release_times import latest_closed_session, latest_due_holdings_date
from tasks.plan.universe import universe
from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.reference import read_reference
from warehouse.settings import Settings

Mode = Literal["missing", "failed", "stale", "all"]
Order = Literal["oldest first", "newest first", "alphabetical", "most missing first"]
Parallelism = Annotated[int, Field(ge=1, le=8)]
Symbol = Annotated[str, Field(pattern=f"^(?:{TICKER.pattern})$")]
SeriesId = Annotated[str, Field(pattern=f"^(?:{SERIES_ID.pattern})$")]
INDEXES = (ALL_INDEXES, *read_reference("fund")["index_code"])
# the form shows a list to choose from, and a new row of fund.csv is in it by itself
Index = Annotated[str, Field(json_schema_extra={"enum": [*INDEXES]})]

# A date that may be empty breaks the form's quick run: these stand for "as far as can be".
NO_START_DATE = date(1900, 1, 1)
NO_END_DATE = date(2100, 1, 1)


class InvalidBackfillRequest(RotationError):
    """A backfill that can't be: what is wrong with it and what to do, one sentence per fault."""


class BackfillRequest(BaseModel):
    """A backfill that someone asks for; the fields are those of the form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = "prices"
    start: date = NO_START_DATE
    end: date = NO_END_DATE
    tickers: tuple[Symbol, ...] = ()
    series_ids: tuple[SeriesId, ...] = ()
    index: str = ALL_INDEXES
    mode: Mode = "missing"
    order: Order = "oldest first"
    parallelism: Parallelism = 4
    dry_run: bool = False


@dataclass(frozen=True)
class ResolvedRequest:
    """A backfill that can be: dates and items settled.

    Attributes:
        request: As it was asked for.
        start: The first day that counts; None where the dataset begins.
        end: The last day that counts: a session that has closed, for what follows sessions.
        items: Tickers, series or funds; sorted.
        instant: The instant that counts as now.
        settings: Of the run, with the parallelism asked for.
    """

    request: BackfillRequest
    start: date | None
    end: date
    items: tuple[str, ...]
    instant: datetime
    settings: Settings


def resolve_request(
    parameters: Mapping[str, Any], datasets: Collection[str], instant: datetime, settings: Settings
) -> ResolvedRequest:
    """The backfill that parameters ask for.

    Args:
        parameters: Name to value, as the form or the command line gave them.
        datasets: The datasets that there are.
        instant: The instant that counts as now.
        settings: Of the run.

    Raises:
        Refused: it can't be; nothing was asked of any provider.
    """
    try:
        # the form's cross empties a field: as if it had not been given
        given = {name: value for name, value in parameters.items() if value is not None}
        request = BackfillRequest.model_validate(given)
    except ValidationError as error:
        raise InvalidBackfillRequest(
            " ".join(_format_error(fault) for fault in error.errors())
        ) from None
    faults: list[str] = []
    if request.dataset not in datasets:
        faults.append(f"dataset {request.dataset!r} is none of {', '.join(datasets)}.")
    if request.index not in INDEXES:
        faults.append(f"index {request.index!r} is none of {', '.join(INDEXES)}.")
    faults += _inapplicable_parameters(request)
    start, end = _window(request, instant, settings, faults)
    if request.dataset == "filings" and settings.sec_user_agent is None and not request.dry_run:
        faults.append(MISSING_USER_AGENT_MESSAGE)
    items: tuple[str, ...] = ()
    if request.dataset in datasets and request.index in INDEXES:
        try:
            with connect(settings) as connection:
                items = _items(request, connection, start, settings)
        except InvalidBackfillRequest as refusal:
            faults.append(str(refusal))
    if faults:
        raise InvalidBackfillRequest(" ".join(faults))
    at_once = dict.fromkeys(("yahoo_concurrency", "sec_concurrency"), request.parallelism)
    own = settings.model_copy(update=at_once)
    return ResolvedRequest(request, start, end, items, instant, own)


def _format_error(fault: Any) -> str:
    place = ".".join(map(str, fault["loc"]))
    return f"{place}: {fault['msg']}, got {fault['input']!r}."


def _inapplicable_parameters(request: BackfillRequest) -> list[str]:
    """Parameters that say nothing about the dataset: to ignore them would be a surprise."""
    faults = []
    if request.tickers and request.dataset in ("macro", "holdings"):
        faults.append(
            f"tickers says nothing about {request.dataset}: leave it empty, and name "
            + ("series_ids." if request.dataset == "macro" else "an index.")
        )
    if request.series_ids and request.dataset != "macro":
        faults.append(f"series_ids are for macro, not for {request.dataset}: leave it empty.")
    if request.index != ALL_INDEXES and request.dataset == "macro":
        faults.append("index says nothing about macro: leave it at none, and name series_ids.")
    if request.tickers and request.index != ALL_INDEXES:
        faults.append("tickers and index are both given: name tickers, or an index, not both.")
    return faults


def _window(
    request: BackfillRequest, instant: datetime, settings: Settings, faults: list[str]
) -> tuple[date | None, date]:
    today = new_york_date(instant)
    start, end = request.start, request.end
    is_open = start == NO_START_DATE
    if end < start:
        faults.append(f"end {end} is before start {start}: exchange them.")
    for name, day in (("start", start), ("end", end)):
        if day > today and day != NO_END_DATE:
            faults.append(
                f"{name} {day} is in the future, today is {today} in New York."
                + (f" Leave end at {NO_END_DATE} for as far as can be." if name == "end" else "")
            )
    if request.dataset in ("macro", "filings"):
        return None if is_open else start, min(end, today)
    if not is_open and start < settings.history_start:
        faults.append(
            f"start {start} is before the warehouse's first session, {settings.history_start}: "
            "take a later one, or set ROTATION_HISTORY_START earlier."
        )
    newest = (
        latest_due_holdings_date(instant)
        if request.dataset == "holdings"
        else latest_closed_session(instant)
    )
    first = max(start, settings.history_start)
    if not faults and _has_no_session(first, min(end, newest)):
        faults.append(
            f"no session has closed between {start} and {end}: weekends, holidays, or a day that "
            f"is not over; the newest that counts is {newest}, and {_nearest(start)} lies nearest."
        )
    if request.dataset == "holdings" and is_open:
        return None, min(end, newest)
    return first, min(end, newest)


def _has_no_session(first: date, last: date) -> bool:
    return len(session_closes().loc[pd.Timestamp(first) : pd.Timestamp(last)]) == 0


def _nearest(day: date) -> date:
    found: date = min(
        (stamp.date() for stamp in session_closes().index), key=lambda session: abs(session - day)
    )
    return found


def _items(
    request: BackfillRequest, connection: Connection, start: date | None, settings: Settings
) -> tuple[str, ...]:
    if request.dataset == "macro":
        followed = read_reference("macro_series")["series_id"].to_list()
        _validate_known(
            "series_ids",
            request.series_ids,
            followed,
            "add a row for it to warehouse/reference/macro_series.csv",
        )
        return tuple(sorted(set(request.series_ids) or followed))
    if request.dataset == "holdings":
        funds = read_reference("fund").set_index("index_code")["fund"]
        if request.index == ALL_INDEXES:
            return tuple(sorted(settings.funds))
        return (str(funds[request.index]),)
    if request.dataset == "filings":
        return _filers(request, connection, start)
    if request.index != ALL_INDEXES:
        members = read_member_tickers(connection, request.index, start)
        if not members:
            raise InvalidBackfillRequest(
                f"no holdings file of {request.index} is held, so that its members are not known: "
                "run a backfill of holdings with this index first, or name tickers."
            )
        return members
    followed = universe(connection)
    held = [ticker for (ticker,) in connection.execute("select ticker from core.ticker")]
    known = sorted({*followed, *held})
    _validate_known(
        "tickers",
        request.tickers,
        known,
        "add a row for it to warehouse/reference/watch_list.csv",
    )
    return tuple(sorted(set(request.tickers)) or followed)


def _filers(
    request: BackfillRequest, connection: Connection, start: date | None
) -> tuple[str, ...]:
    """The symbols of the companies wanted."""
    if request.tickers:
        known = connection.execute(
            "select ticker from core.company_ticker union select ticker from core.index_membership"
        ).fetchall()
        _validate_known(
            "tickers",
            request.tickers,
            [ticker for (ticker,) in known],
            "add a fund that holds it to ROTATION_FUNDS, or name a symbol of the SEC's list, which"
            " the first backfill of filings reads",
        )
    filers = read_target_companies(connection, request.tickers, request.index, start)
    if not filers:
        raise InvalidBackfillRequest(
            "no holdings file is held, so that nobody knows whose filings are wanted: run a "
            "backfill of holdings first."
        )
    return tuple(sorted({ticker for ticker, _ in filers}))


def _validate_known(name: str, given: Sequence[str], known: Sequence[str], hint: str) -> None:
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return
    near = sorted({match for each in unknown for match in get_close_matches(each, known, n=2)})
    meant = f" Was {' or '.join(near)} meant?" if near else ""
    raise InvalidBackfillRequest(
        f"{name} names {', '.join(unknown)}, which the warehouse does not follow.{meant} "
        f"To follow a new one, {hint}."
    )
