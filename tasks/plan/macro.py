"""Plan macro requests: one per series, from its newest stored vintage."""

from collections.abc import Sequence
from datetime import date

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.extract.fred.extract import SeriesRequest
from tasks.plan.batched import Plan
from tasks.plan.last_fetches import skip_up_to_date
from tasks.run.context import RunContext
from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.reference import read_reference
from warehouse.settings import Settings


class UnknownSeries(RotationError):
    """A series that the reference table does not list."""


@task(name="plan macro", cache_policy=NO_CACHE)
def plan_macro(
    series_ids: Sequence[str], full_history: bool, only_stale: bool, run: RunContext
) -> Plan[SeriesRequest]:
    """Plan the macro requests of a run, all in one batch.

    Args:
        series_ids: The series to request; none: all of `reference/macro_series.csv`.
        full_history: Request all vintages, stored or not.
        only_stale: Skip series fetched since FRED's latest release.
        run: The run.

    Raises:
        UnknownSeries: A series is not in the reference table.
    """
    requests, message = series_requests(series_ids, full_history, run.settings), ""
    if only_stale:
        requests, message = skip_up_to_date(
            "macro_observation", requests, full_history, run.now, run.settings
        )
    return Plan(requests, max(1, len(requests)), message)


def series_requests(
    series_ids: Sequence[str], full_history: bool, settings: Settings
) -> list[SeriesRequest]:
    """Return one request per series, from its newest stored vintage.

    Raises:
        UnknownSeries: A series is not in the reference table, so nothing is known to check it by.
    """
    followed = read_reference("macro_series")["series_id"].to_list()
    unknown = sorted(set(series_ids) - set(followed))
    if unknown:
        raise UnknownSeries(
            f"series_ids names {', '.join(unknown)}, which warehouse/reference/macro_series.csv "
            "does not list. Add a row for it there."
        )
    requested = sorted(set(series_ids)) or followed
    with connect(settings) as connection:
        newest: dict[str, date] = dict(
            connection.execute(
                """
                select series_id, max(vintage_date) from core.macro_observation
                where source = 'alfred' group by series_id
                """
            ).fetchall()
        )
        latest = connection.execute(
            "select series_id, observation_date, value from published.macro_latest"
            " where series_id = any (%s)",
            (requested,),
        ).fetchall()
    stored = pd.DataFrame(latest, columns=["series_id", "observation_date", "value"])
    stored["observation_date"] = stored["observation_date"].astype("datetime64[s]")
    return [
        SeriesRequest(
            series_id,
            None if full_history else newest.get(series_id),
            stored.loc[stored["series_id"] == series_id, ["observation_date", "value"]],
        )
        for series_id in requested
    ]
