"""Validate the parameters of a backfill, and resolve its dates and items."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from psycopg import Connection
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from expectations.calendars.trading import new_york_date, session_closes, session_dates
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
Order = Literal["oldest_first", "newest_first", "alphabetical", "most_missing_first"]
Parallelism = Annotated[int, Field(ge=1, le=8)]
Upper = BeforeValidator(lambda value: value.strip().upper() if isinstance(value, str) else value)
Symbol = Annotated[str, Upper, Field(pattern=f"^(?:{TICKER.pattern})$")]
SeriesId = Annotated[str, Upper, Field(pattern=f"^(?:{SERIES_ID.pattern})$")]
SYMBOLS = {
    "tickers": "symbol; write one as Yahoo does, such as IWM or BRK-B",
    "series_ids": "series id; write one as FRED does, such as DGS10",
}
INDEXES = (ALL_INDEXES, *read_reference("fund")["index_code"])
# an enum for the form's list of choices; a Literal could not be read from fund.csv
Index = Annotated[str, Field(json_schema_extra={"enum": [*INDEXES]})]


class InvalidBackfillRequest(RotationError):
    """Invalid backfill request; the message has one sentence per error."""


class BackfillRequest(BaseModel):
    """Parameters of a backfill, as in the form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = "prices"
    start: date | None = None
    end: date | None = None
    tickers: tuple[Symbol, ...] = ()
    series_ids: tuple[SeriesId, ...] = ()
    index: str = ALL_INDEXES
    mode: Mode = "missing"
    order: Order = "oldest_first"
    parallelism: Parallelism = 4
    dry_run: bool = False


@dataclass(frozen=True)
class ResolvedRequest:
    """A valid backfill request with its dates and items.

    Attributes:
        request: The parameters.
        start: The first day; None for the dataset's first.
        end: The last day; for prices and holdings a session that has closed.
        items: Tickers, series or funds; sorted.
        now: The logical time.
        settings: Of the run, with the requested parallelism.
    """

    request: BackfillRequest
    start: date | None
    end: date
    items: tuple[str, ...]
    now: datetime
    settings: Settings


def resolve_request(
    parameters: Mapping[str, Any], datasets: Collection[str], now: datetime, settings: Settings
) -> ResolvedRequest:
    """Validate the parameters of a backfill, and resolve its dates and items.

    Args:
        parameters: Name to value, from the form or the command line.
        datasets: The known datasets.
        now: The logical time.
        settings: Of the run.

    Raises:
        InvalidBackfillRequest: If a parameter is invalid; no request was sent.
    """
    request = _parse(parameters)
    errors = [
        f"{name} {value!r} is none of {', '.join(choices)}."
        for name, value, choices in (
            ("dataset", request.dataset, datasets),
            ("index", request.index, INDEXES),
        )
        if value not in choices
    ]
    is_resolvable = not errors
    errors += _inapplicable_parameters(request)
    start, end = _resolve_window(request, now, settings, errors)
    if request.dataset == "filings" and settings.sec_user_agent is None and not request.dry_run:
        errors.append(MISSING_USER_AGENT_MESSAGE)
    items: tuple[str, ...] = ()
    if is_resolvable:
        try:
            with connect(settings) as connection:
                items = _resolve_items(request, connection, start, settings)
        except InvalidBackfillRequest as error:
            errors.append(str(error))
    if errors:
        raise InvalidBackfillRequest(" ".join(errors))
    concurrency = dict.fromkeys(("yahoo_concurrency", "sec_concurrency"), request.parallelism)
    return ResolvedRequest(request, start, end, items, now, settings.model_copy(update=concurrency))


def _parse(parameters: Mapping[str, Any]) -> BackfillRequest:
    # an emptied field of the form is None: the default applies
    given = {name: value for name, value in parameters.items() if value is not None}
    try:
        return BackfillRequest.model_validate(given)
    except ValidationError as invalid:
        messages = (
            f"{error['loc'][0]}: {error['input']!r} is no {SYMBOLS[str(error['loc'][0])]}."
            if error["type"] == "string_pattern_mismatch"
            else f"{'.'.join(map(str, error['loc']))}: {error['msg']}, got {error['input']!r}."
            for error in invalid.errors()
        )
        raise InvalidBackfillRequest(" ".join(messages)) from None


def _inapplicable_parameters(request: BackfillRequest) -> list[str]:
    """Return an error per parameter that does not apply to the dataset; none is ignored."""
    dataset, errors = request.dataset, []
    if request.tickers and dataset in ("macro", "holdings"):
        name = "series_ids" if dataset == "macro" else "an index"
        errors.append(f"tickers does not apply to {dataset}: leave it empty, and name {name}.")
    if request.series_ids and dataset != "macro":
        errors.append(f"series_ids does not apply to {dataset}: leave it empty.")
    if request.index != ALL_INDEXES and dataset == "macro":
        errors.append(
            f"index does not apply to macro: leave it at {ALL_INDEXES}, and name series_ids."
        )
    if request.tickers and request.index != ALL_INDEXES:
        errors.append("tickers and index are both given: give only one of them.")
    return errors


def _resolve_window(
    request: BackfillRequest, now: datetime, settings: Settings, errors: list[str]
) -> tuple[date | None, date]:
    """Return the first and last day; append an error per invalid one."""
    today, start = new_york_date(now), request.start
    if start and request.end and request.end < start:
        errors.append(f"end {request.end} is before start {start}: swap them.")
    for name, day in (("start", start), ("end", request.end)):
        if day and day > today:
            errors.append(
                f"{name} {day} is in the future, today is {today} in New York; leave it empty or"
                " take an earlier day."
            )
    if request.dataset in ("macro", "filings"):
        return start, min(request.end or today, today)
    if settings.history_start > today:
        errors.append(
            f"ROTATION_HISTORY_START {settings.history_start} is in the future, today is {today} in"
            " New York: set an earlier day, or remove it."
        )
    elif start and start < settings.history_start:
        errors.append(
            f"start {start} is before the warehouse's first session, {settings.history_start}: "
            "take a later one, or set ROTATION_HISTORY_START earlier."
        )
    is_holdings = request.dataset == "holdings"
    newest = latest_due_holdings_date(now) if is_holdings else latest_closed_session(now)
    first = max(start or settings.history_start, settings.history_start)
    last = min(request.end or newest, newest)
    if not errors and not session_dates(first, last):
        errors.append(
            f"no session has closed between {first} and {request.end or newest}: weekends, "
            f"holidays, or a day that is not over; the newest possible session is {newest}, the "
            f"nearest to {first} is {_nearest_session(first)}."
        )
    return (None if is_holdings and start is None else first), last


def _nearest_session(day: date) -> date:
    sessions = (stamp.date() for stamp in session_closes().index)
    nearest: date = min(sessions, key=lambda session: abs(session - day))
    return nearest


def _resolve_items(
    request: BackfillRequest, connection: Connection, start: date | None, settings: Settings
) -> tuple[str, ...]:
    """Return the items to consider, sorted: tickers, series or funds."""
    if request.dataset == "macro":
        followed = read_reference("macro_series")["series_id"].to_list()
        hint = "add a row for it to warehouse/reference/macro_series.csv"
        _validate_known("series_ids", request.series_ids, followed, hint)
        return tuple(sorted(set(request.series_ids) or followed))
    if request.dataset == "holdings":
        if request.index == ALL_INDEXES:
            return tuple(sorted(settings.funds))
        funds = read_reference("fund").set_index("index_code")["fund"]
        return (str(funds[request.index]),)
    if request.dataset == "filings":
        return _resolve_filers(request, connection, start)
    if request.index != ALL_INDEXES:
        members = read_member_tickers(connection, request.index, start)
        if not members:
            raise InvalidBackfillRequest(
                f"no holdings file of {request.index} is stored, so its members are unknown: run a "
                "backfill of holdings with this index first, or name tickers."
            )
        return members
    followed = universe(connection)
    stored = [ticker for (ticker,) in connection.execute("select ticker from core.ticker")]
    hint = "add a row for it to warehouse/reference/watch_list.csv"
    _validate_known("tickers", request.tickers, sorted({*followed, *stored}), hint)
    return tuple(sorted(set(request.tickers)) or followed)


def _resolve_filers(
    request: BackfillRequest, connection: Connection, start: date | None
) -> tuple[str, ...]:
    """Return the tickers of the companies to consider."""
    if request.tickers:
        known = connection.execute(
            "select ticker from core.company_ticker union select ticker from core.index_membership"
        ).fetchall()
        hint = (
            "add a fund that holds it to ROTATION_FUNDS, or name a ticker of the SEC's list, which"
            " the first backfill of filings reads"
        )
        _validate_known("tickers", request.tickers, [ticker for (ticker,) in known], hint)
    companies = read_target_companies(connection, request.tickers, request.index, start)
    if not companies:
        raise InvalidBackfillRequest(
            "no holdings file is stored, so the companies to request are unknown: run a backfill"
            " of holdings first."
        )
    return tuple(sorted({ticker for ticker, _ in companies}))


def _validate_known(name: str, given: Sequence[str], known: Sequence[str], hint: str) -> None:
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return
    matches = {match for each in unknown for match in get_close_matches(each, known, n=2)}
    suggestion = f" Did you mean {' or '.join(sorted(matches))}?" if matches else ""
    raise InvalidBackfillRequest(
        f"{name} names {', '.join(unknown)}, which the warehouse does not follow.{suggestion} "
        f"To follow a new one, {hint}."
    )
