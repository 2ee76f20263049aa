"""Mock of FRED: series, observations with vintages, release dates, and the CSV graph."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from deployments.sandbox.providers.fred.replies import (
    FIRST_DAY,
    LAST_DAY,
    TEXT,
    FredError,
    as_day,
    check_key,
    choice,
    day_of,
    error_reply,
    list_reply,
    number_text,
    page_reply,
)
from deployments.sandbox.providers.fred.vintages import (
    NO_ROWS,
    as_of,
    clip_to_realtime_period,
    initial_releases,
)
from deployments.sandbox.providers.messages import Reply, Request, html_reply
from deployments.sandbox.tape.tape import Tape

GRAPH_HOST = "fred.stlouisfed.org"
HOSTS = ("api.stlouisfed.org", GRAPH_HOST)
ST_LOUIS = ZoneInfo("America/Chicago")
ADJUSTMENTS = {
    "SA": "Seasonally Adjusted",
    "NSA": "Not Seasonally Adjusted",
    "SAAR": "Seasonally Adjusted Annual Rate",
}


class Fred:
    """Replies as FRED and ALFRED on the clock's day in St. Louis."""

    def __init__(self, tape: Tape) -> None:
        """Store a tape.

        Args:
            tape: Whose series, observations and release dates are shown.
        """
        self._tape = tape
        self._routes: dict[str, Callable[[Request, date], Reply]] = {
            "/fred/series": self._series,
            "/fred/series/observations": self._observations,
            "/fred/series/vintagedates": self._vintage_dates,
            "/fred/series/release": self._release,
            "/fred/release/dates": self._release_dates,
        }

    def handle(self, request: Request, now: datetime) -> Reply:
        """Reply to one request.

        Args:
            request: To any of HOSTS.
            now: The clock.

        Returns:
            FRED's reply.
        """
        today = now.astimezone(ST_LOUIS).date()
        if request.host == GRAPH_HOST:
            return self._graph(request, today)
        try:
            if request.path not in self._routes:
                raise FredError(404, f"Not Found.  The sandbox does not replay {request.path}.")
            check_key(request.params.get("api_key"))
            return self._routes[request.path](request, today)
        except FredError as error:
            return error_reply(request, error)

    def _known(self, series_id: str, today: date) -> pl.DataFrame:
        if not series_id:
            raise FredError(400, "Bad Request.  Variable series_id has not been set.")
        rows = self._tape.observations.get(series_id, NO_ROWS)
        known = as_of(rows, today)
        # A series does not exist before its first vintage.
        if known.is_empty() and (len(rows) or series_id not in self._tape.series):
            raise FredError(400, "Bad Request.  The series does not exist.")
        return known

    def _observations(self, request: Request, today: date) -> Reply:
        params = request.params
        rows = self._known(params.get("series_id", ""), today)
        kind = choice(params, "output_type", ("1", "4"))
        choice(params, "units", ("lin",))
        if "frequency" in params:
            raise FredError(400, "Bad Request.  The sandbox does not aggregate to a frequency.")
        days = params.get("vintage_dates", "")
        vintages = [as_day("vintage_dates", day) for day in days.split(",") if day]
        default_end = LAST_DAY if kind == "4" else today
        start = min(vintages, default=day_of(params, "realtime_start", today))
        end = max(vintages, default=day_of(params, "realtime_end", default_end))
        if start > end:
            raise FredError(400, "Bad Request.  Variable realtime_start is after realtime_end.")
        first = day_of(params, "observation_start", date(1600, 1, 1))
        last = day_of(params, "observation_end", LAST_DAY)
        begins, ends = pl.col("realtime_start"), pl.col("realtime_end")
        if vintages:
            valid = [(begins <= day) & (ends >= day) for day in vintages]
            rows = rows.filter(pl.any_horizontal(valid))
        if kind == "4":
            rows = initial_releases(rows).filter(begins.is_between(start, end))
        rows = clip_to_realtime_period(rows, start, end)
        rows = rows.filter(pl.col("observation_date").is_between(first, last))
        columns = ("realtime_start", "realtime_end", "observation_date", "value")
        items = [
            {
                "realtime_start": begin,
                "realtime_end": until,
                "date": day,
                "value": number_text(value),
            }
            for begin, until, day, value in rows.select(columns).iter_rows()
        ]
        head = {
            "realtime_start": start,
            "realtime_end": end,
            "observation_start": first,
            "observation_end": last,
            "units": "lin",
            "output_type": int(kind),
            "file_type": params.get("file_type", "xml"),
        }
        return page_reply(request, ("observations", "observation"), head, items, 100_000)

    def _vintage_dates(self, request: Request, today: date) -> Reply:
        rows = self._known(request.params.get("series_id", ""), today)
        items = [{TEXT: day} for day in rows["realtime_start"].unique().sort()]
        return _dates(request, "vintage_date", items)

    def _release_dates(self, request: Request, today: date) -> Reply:
        release = request.params.get("release_id", "")
        if release not in self._tape.release_dates:
            raise FredError(400, "Bad Request.  The release does not exist.")
        scheduled = request.params.get("include_release_dates_with_no_data") == "true"
        days = self._tape.release_dates[release]
        items = [
            {"release_id": int(release), TEXT: day} for day in days if scheduled or day <= today
        ]
        return _dates(request, "release_date", items)

    def _series(self, request: Request, today: date) -> Reply:
        series_id = request.params.get("series_id", "")
        rows = self._known(series_id, today)
        facts = self._tape.series.get(series_id, {})
        valid = rows.filter(pl.col("realtime_end") == LAST_DAY)["observation_date"]
        frequency = facts.get("frequency") or "Daily"
        adjustment = facts.get("seasonal_adjustment") or "NSA"
        updated = max(rows["realtime_start"], default=today)
        days = {"realtime_start": today, "realtime_end": today}
        item = {
            "id": series_id,
            **days,
            "title": facts.get("title") or series_id,
            "observation_start": valid.min() or "",
            "observation_end": valid.max() or "",
            "frequency": frequency,
            "frequency_short": frequency[0],
            "units": facts.get("units") or "",
            "units_short": facts.get("units") or "",
            "seasonal_adjustment": ADJUSTMENTS.get(adjustment, adjustment),
            "seasonal_adjustment_short": adjustment,
            "last_updated": f"{updated} 07:45:00-06",
            "popularity": 50,
            "notes": "",
        }
        return list_reply(request, ("seriess", "series"), days, [item])

    def _release(self, request: Request, today: date) -> Reply:
        series_id = request.params.get("series_id", "")
        self._known(series_id, today)
        release = self._tape.series.get(series_id, {}).get("release_id")
        if not release:
            raise FredError(404, "Not Found.  The tape does not tell the release of this series.")
        days = {"realtime_start": today, "realtime_end": today}
        item = {"id": int(release), **days, "name": f"Release {release}", "press_release": True}
        return list_reply(request, ("releases", "release"), days, [item])

    def _graph(self, request: Request, today: date) -> Reply:
        params = request.params
        series_id = params.get("id", "")
        try:
            if request.path != "/graph/fredgraph.csv":
                raise FredError(404, "Page not found")
            vintage = min(day_of(params, "vintage_date", today), today)
            rows = clip_to_realtime_period(self._known(series_id, today), vintage, vintage)
            first, last = day_of(params, "cosd", FIRST_DAY), day_of(params, "coed", LAST_DAY)
        except FredError as error:
            return html_reply(404, "Error - St. Louis Fed", error.message)
        rows = rows.filter(pl.col("observation_date").is_between(first, last))
        lines = [f"observation_date,{series_id}\n"]
        for day, value in rows.select("observation_date", "value").iter_rows():
            lines.append(f"{day},{'' if value is None else number_text(value)}\n")
        return Reply(200, "".join(lines).encode(), "application/csv")


def _dates(request: Request, noun: str, items: Sequence[Mapping[str, Any]]) -> Reply:
    start = day_of(request.params, "realtime_start", FIRST_DAY)
    end = day_of(request.params, "realtime_end", LAST_DAY)
    chosen = [item for item in items if start <= item[TEXT] <= end]
    head = {"realtime_start": start, "realtime_end": end}
    return page_reply(request, (f"{noun}s", noun), head, chosen, 10_000)
