"""The archive's lists of filings: daily indexes, quarterly indexes and folder listings."""

import re
from datetime import date, datetime, time, timedelta
from functools import cache

from deployments.sandbox.providers.messages import Reply, json_reply
from deployments.sandbox.providers.sec.facts import Filers, Filing
from deployments.sandbox.providers.sec.pages import access_denied
from deployments.sandbox.tape.records import NEW_YORK

DAILY = "/Archives/edgar/daily-index/"
FULL = "/Archives/edgar/full-index/"
FOLDER = r"(\d{4})/QTR([1-4])/"
DAY_FILE = re.compile(DAILY + FOLDER + r"form\.(\d{8})\.idx")
DAY_FOLDER = re.compile(DAILY + FOLDER + r"(?:index\.json)?")
QUARTER_FILE = re.compile(FULL + FOLDER + r"form\.idx")

#: When a day's index appears in New York: after the last filing that carries the day's date.
READY = time(22, 0)
OCTETS = "application/octet-stream"
RULE = "-" * 141 + "\n"

#: The oldest day of the daily indexes.
FIRST_DAY = date(1994, 7, 1)
#: Weekdays on which the government was closed by decree, and EDGAR with it.
EXECUTIVE_ORDER_CLOSURES = frozenset(
    {date(2018, 12, 5), date(2018, 12, 24), date(2024, 12, 24), date(2025, 1, 9)}
)
#: There are filings on every open day, and most of them have no accounts.
OTHERS_CIK = 999_999_999


class Indexes:
    """Indexes of one tape's filings."""

    def __init__(self, filers: Filers) -> None:
        """Store the filers.

        Args:
            filers: Whose filings are listed.
        """
        self._filers = filers

    def handle(self, path: str, now: datetime) -> Reply | None:
        """Reply to a request for an index.

        Args:
            path: Of the request.
            now: The clock.

        Returns:
            The list; 403 where there is none, as on days on which EDGAR is closed, and on a tape
            without filings; None for other paths.
        """
        last = _last_day(now)
        if match := DAY_FILE.fullmatch(path):
            day = _parse_day(match[3])
            if day and day <= last and _quarter(day) == (int(match[1]), int(match[2])):
                return self._day(day)
            return access_denied()
        if match := QUARTER_FILE.fullmatch(path):
            return self._quarter_index((int(match[1]), int(match[2])), last)
        if match := DAY_FOLDER.fullmatch(path):
            return self._folder((int(match[1]), int(match[2])), last)
        return None

    def _day(self, day: date) -> Reply:
        if not self._has_index(day):
            return access_denied()
        rows = [each for each in self._filers.filings if each.filed == day.isoformat()]
        return _index(rows or [_of_others(day)], day, daily=True)

    def _has_index(self, day: date) -> bool:
        """Return whether a day has an index: EDGAR is open or a filing exists."""
        filings = self._filers.filings
        if not filings:
            return False
        return _is_open(day) or any(each.filed == day.isoformat() for each in filings)

    def _quarter_index(self, quarter: tuple[int, int], last: date) -> Reply:
        rows = self._of(quarter, last)
        if not rows:
            return access_denied()
        rows = sorted(rows, key=lambda row: (row.form, row.name, row.filed))
        return _index(rows, max(date.fromisoformat(row.filed) for row in rows), daily=False)

    def _folder(self, quarter: tuple[int, int], last: date) -> Reply:
        year, number = quarter
        first = date(year, 3 * number - 2, 1)
        each_day = (first + timedelta(days=count) for count in range(92))
        names = [
            (f"form.{day:%Y%m%d}.idx", day)
            for day in each_day
            if day <= last and _quarter(day) == quarter and self._has_index(day)
        ]
        if not names:
            return access_denied()
        items = [
            {
                "last-modified": f"{day:%m/%d/%Y} 10:00:00 PM",
                "name": name,
                "type": "file",
                "href": name,
                "size": "1 KB",
            }
            for name, day in names
        ]
        folder = f"daily-index/{year}/QTR{number}/"
        return json_reply(200, {"directory": {"item": items, "name": folder, "parent-dir": "../"}})

    def _of(self, quarter: tuple[int, int], last: date) -> list[Filing]:
        days = ((row, date.fromisoformat(row.filed)) for row in self._filers.filings)
        return [row for row, day in days if day <= last and _quarter(day) == quarter]


@cache
def _holidays() -> frozenset[date]:
    from pandas.tseries.holiday import USFederalHolidayCalendar

    days = USFederalHolidayCalendar().holidays(FIRST_DAY, date(2060, 12, 31))
    return frozenset(day.date() for day in days)


def _is_open(day: date) -> bool:
    is_workday = (
        day.weekday() < 5 and day not in _holidays() and day not in EXECUTIVE_ORDER_CLOSURES
    )
    return is_workday and day >= FIRST_DAY


def _of_others(day: date) -> Filing:
    """Return a filing without accounts, of a company outside all tapes."""
    return Filing(
        day.isoformat(), "8-K", "SOMEBODY ELSE INC", OTHERS_CIK, f"{OTHERS_CIK:010}-{day:%y}-000001"
    )


def _last_day(now: datetime) -> date:
    local = now.astimezone(NEW_YORK)
    return local.date() - timedelta(days=local.time() < READY)


def _quarter(day: date) -> tuple[int, int]:
    return day.year, (day.month + 2) // 3


def _parse_day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None  # same reply as for a day without an index


def _index(rows: list[Filing], day: date, *, daily: bool) -> Reply:
    # The heading of the columns is broken over two lines in the daily files, and their days are
    # written without dashes; the quarterly files differ in both.
    kind, broken = ("Daily", "\n      ") if daily else ("Master", "         ")
    head = (
        f"Description:           {kind} Index of EDGAR Dissemination Feed by Form Type\n"
        f"Last Data Received:    {day:%b} {day.day}, {day.year}\n"
        "Comments:              webmaster@sec.gov\n"
        "Anonymous FTP:         ftp://ftp.sec.gov/edgar/\n \n \n \n \n"
        f"{'Form Type':<12}{'Company Name':<62}CIK{broken}Date Filed  File Name\n"
    )
    width = 17 if daily else 12
    lines = []
    for row in rows:
        filed = row.filed.replace("-", "") if daily else row.filed
        file = f"edgar/data/{row.cik}/{row.accession_number}.txt"
        lines.append(f"{row.form:<{width}}{row.name[:60]:<62}{row.cik:<12}{filed:<12}{file:<52}\n")
    return Reply(200, (head + RULE + "".join(lines)).encode("latin-1", "replace"), OCTETS)
