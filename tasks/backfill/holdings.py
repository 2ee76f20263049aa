"""Which holdings files are missing, and which to ask iShares for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd
from psycopg import Connection

from expectations.sessions import session_closes
from tasks.backfill.dataset import Bring, Dataset
from tasks.backfill.request import Scope
from tasks.backfill.survey import NOT_ASKED, Gap, Need, Survey
from tasks.bring import bring_holdings
from tasks.due import due_since
from tasks.extract.ishares import HoldingsRequest, dealings_with_ishares, fund_row
from tasks.record import DEGRADING, Run
from warehouse.connections import connect

# a file that is late comes within days; one that is not there a week later never was
LATE_DAYS = 7


@dataclass(frozen=True)
class _Answer:
    status: str
    at: datetime


def survey_holdings(scope: Scope) -> Survey:
    """Which files are missing: one for each fund and session, by the exchange's calendar.

    Without a start, from the first file held on. A day for which iShares had no file is not asked
    for again when it is a week old.
    """
    gaps: list[Gap] = []
    needs: list[Need] = []
    with connect(scope.settings) as connection:
        due = due_since("index_membership", scope.instant)
        for fund in scope.items:
            held = _held(connection, fund)
            first = scope.start or min(held, default=scope.end)
            days = session_closes().loc[pd.Timestamp(first) : pd.Timestamp(scope.end)].index
            answers = _answers(connection, fund)
            for day in (stamp.date() for stamp in days):
                answer = answers.get(day)
                gap = None if day in held else _gap(fund, day, answer, due)
                if gap is not None:
                    gaps.append(gap)
                if _is_wanted(scope.request.mode, answer, gap):
                    needs.append(Need(fund, day, gap.reason if gap else scope.request.mode, None))
    requests = len(needs)
    return Survey(needs, gaps, requests, requests / scope.settings.ishares_requests_per_second)


def _gap(fund: str, day: date, answer: _Answer | None, due: datetime) -> Gap:
    if answer is None:
        return Gap(fund, NOT_ASKED, day, day, None, True)
    if answer.status in DEGRADING:
        return Gap(fund, answer.status, day, day, None, True)
    is_young = (answer.at.date() - day).days <= LATE_DAYS
    return Gap(fund, answer.status, day, day, None, is_young and answer.at < due)


def _is_wanted(mode: str, answer: _Answer | None, gap: Gap | None) -> bool:
    if mode == "all":
        return True
    if mode == "failed":
        return answer is not None and answer.status in DEGRADING
    # a file is not revised: one that is held is never stale
    return gap is not None and gap.is_due


def _held(connection: Connection, fund: str) -> set[date]:
    index = fund_row(fund)["index_code"]
    rows = connection.execute(
        "select distinct as_of_date from core.index_membership where index_code = %s", (index,)
    )
    return {day for (day,) in rows}


def _answers(connection: Connection, fund: str) -> dict[date, _Answer]:
    """Day to the newest answer for its file."""
    rows = connection.execute(
        """
        select distinct on (asked.window_start)
            asked.window_start, asked.status, coalesce(run.clock_at, asked.finished_at)
        from audit.fetch as asked
        join audit.run as run on run.run_id = asked.run_id
        where asked.dataset = 'index_membership' and asked.item = %s
            and asked.window_start is not null
        order by asked.window_start, asked.finished_at desc, asked.fetch_id desc
        """,
        (fund,),
    ).fetchall()
    return {day: _Answer(status, at) for day, status, at in rows}


@contextmanager
def _open(scope: Scope, needs: Sequence[Need]) -> Iterator[Bring]:
    dealings = dealings_with_ishares(scope.settings)

    def bring(needs: Sequence[Need], this_run: Run) -> None:
        for need in needs:
            bring_holdings(HoldingsRequest(need.item, need.start), this_run, dealings)

    yield bring


HOLDINGS = Dataset("ishares", survey_holdings, _open, lambda scope: 10)
