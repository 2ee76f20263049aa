"""Brings what a backfill of filings needs: the list of symbols, days of the index, companies."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date

from tasks.backfill.request import Scope
from tasks.backfill.survey import Need
from tasks.backfill.wanted import read_filers
from tasks.bring import (
    bring_companies,
    bring_company_tickers,
    bring_filing_index,
    open_archive,
)
from tasks.extract.sec import CompanyRequest
from tasks.extract.sec_archive import Archive
from tasks.extract.sec_client import Sec, open_sec
from tasks.plan import in_batches
from tasks.plan_filings import is_anyone_followed, plan_companies
from tasks.record import Run
from warehouse.connections import connect

# the item of a day's list of filings; symbols have capitals only
DAY = "filing index"


class FilingsBringer:
    """One backfill's dealings with the SEC: a block in one chunk counts in the next."""

    def __init__(self, scope: Scope, needs: Sequence[Need], opened: ExitStack) -> None:
        """Asks for nothing yet.

        Args:
            scope: What is asked for.
            needs: Of all chunks: they decide whether the archive of all companies is fetched.
            opened: Closes what the dealings have opened.
        """
        self._scope, self._is_all = scope, scope.request.mode == "all"
        self._needs, self._opened = needs, opened
        self._sec: Sec | None = None
        self._archive: Archive | None = None
        self._ciks: dict[str, list[int]] = {}
        self._asked = set[int]()

    def bring(self, needs: Sequence[Need], this_run: Run) -> None:
        """Extracts, validates and loads one chunk, and the reports that its days name."""
        if self._sec is None:
            self._sec = self._begin(this_run)
        self._bring_companies(self._plan(needs, this_run), this_run, self._sec, self._archive)
        days = [need.start for need in needs if need.item == DAY and need.start is not None]
        # after the companies, since what an index names may have come after the archive was made
        named = self._bring_days(days, this_run, self._sec)
        self._bring_companies(named, this_run, self._sec, None)

    def _begin(self, this_run: Run) -> Sec:
        sec = self._opened.enter_context(open_sec(this_run.settings))
        # first, since it says whose filings an index is read for
        bring_company_tickers(this_run, sec)
        self._ciks = self._read_ciks()
        asked = self._plan(self._needs, this_run)
        self._archive = self._opened.enter_context(open_archive(asked, this_run, sec))
        return sec

    def _read_ciks(self) -> dict[str, list[int]]:
        """The companies that each symbol wanted stands for."""
        scope, found = self._scope, dict[str, list[int]]()
        with connect(scope.settings) as connection:
            filers = read_filers(
                connection, scope.request.tickers, scope.request.index, scope.start
            )
        for ticker, cik in filers:
            if cik is not None:
                found.setdefault(ticker, []).append(cik)
        return found

    def _plan(self, needs: Sequence[Need], this_run: Run) -> list[CompanyRequest]:
        """The requests for some needs' companies, by what is held now."""
        instant, settings = this_run.instant, this_run.settings
        found: dict[int, CompanyRequest] = {}
        for is_whole in (False, True):
            tickers = [n.item for n in needs if n.item != DAY and n.is_whole is is_whole]
            ciks = {cik for ticker in tickers for cik in self._ciks.get(ticker, ())}
            for request in plan_companies(sorted(ciks), is_whole, self._is_all, instant, settings):
                found[request.cik] = request
        return [request for cik, request in found.items() if cik not in self._asked]

    def _bring_days(self, days: Sequence[date], this_run: Run, sec: Sec) -> list[CompanyRequest]:
        """Loads some days' indexes; the requests for what they name."""
        instant, settings = this_run.instant, this_run.settings
        # a day that is read while nobody is followed would never be read again
        if not days or not is_anyone_followed(settings):
            return []
        for day in days:
            bring_filing_index(day, this_run, sec)
        with connect(settings) as connection:
            rows = connection.execute(
                "select distinct cik from audit.filing_due where asked_on is null order by cik"
            ).fetchall()
        return plan_companies([cik for (cik,) in rows], False, False, instant, settings)

    def _bring_companies(
        self, asked: Sequence[CompanyRequest], this_run: Run, sec: Sec, archive: Archive | None
    ) -> None:
        for batch in in_batches(asked, this_run.settings.sec_batch_companies):
            bring_companies(batch, this_run, sec, archive)
            self._asked |= {request.cik for request in batch}
