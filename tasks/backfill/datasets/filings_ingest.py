"""Brings what a backfill of filings needs: the list of symbols, days of the index, companies."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date

from tasks.backfill.plan import WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.backfill.targets import read_target_companies
from tasks.extract.sec.bulk_facts import CompanyFactsZip
from tasks.extract.sec.client import SecSession, open_sec_session
from tasks.extract.sec.extract import CompanyRequest
from tasks.ingest import (
    ingest_companies,
    ingest_company_tickers,
    ingest_filing_index,
    open_bulk_facts,
)
from tasks.plan.filings import has_tracked_companies, plan_company_requests
from tasks.plan.prices import batched
from tasks.run.context import RunContext
from warehouse.connect.connections import connect

# the item of a day's list of filings; symbols have capitals only
DAILY_INDEX_ITEM = "filing index"


class FilingsIngestor:
    """One backfill's dealings with the SEC: a block in one chunk counts in the next."""

    def __init__(
        self, scope: ResolvedRequest, needs: Sequence[WorkItem], exit_stack: ExitStack
    ) -> None:
        """Asks for nothing yet.

        Args:
            scope: What is asked for.
            needs: Of all chunks: they decide whether the archive of all companies is fetched.
            exit_stack: Closes what the dealings have opened.
        """
        self._scope, self._force = scope, scope.request.mode == "all"
        self._needs, self._opened = needs, exit_stack
        self._sec: SecSession | None = None
        self._archive: CompanyFactsZip | None = None
        self._ciks: dict[str, list[int]] = {}
        self._asked = set[int]()

    def ingest_chunk(self, needs: Sequence[WorkItem], this_run: RunContext) -> None:
        """Extracts, validates and loads one chunk, and the reports that its days name."""
        if self._sec is None:
            self._sec = self._open_session(this_run)
        self._ingest_companies(self._plan(needs, this_run), this_run, self._sec, self._archive)
        days = [
            need.start for need in needs if need.item == DAILY_INDEX_ITEM and need.start is not None
        ]
        # after the companies, since what an index names may have come after the archive was made
        named = self._ingest_index_days(days, this_run, self._sec)
        self._ingest_companies(named, this_run, self._sec, None)

    def _open_session(self, this_run: RunContext) -> SecSession:
        sec = self._opened.enter_context(open_sec_session(this_run.settings))
        # first, since it says whose filings an index is read for
        ingest_company_tickers(this_run, sec)
        self._ciks = self._read_ciks()
        asked = self._plan(self._needs, this_run)
        self._archive = self._opened.enter_context(open_bulk_facts(asked, this_run, sec))
        return sec

    def _read_ciks(self) -> dict[str, list[int]]:
        """The companies that each symbol wanted stands for."""
        scope, found = self._scope, dict[str, list[int]]()
        with connect(scope.settings) as connection:
            filers = read_target_companies(
                connection, scope.request.tickers, scope.request.index, scope.start
            )
        for ticker, cik in filers:
            if cik is not None:
                found.setdefault(ticker, []).append(cik)
        return found

    def _plan(self, needs: Sequence[WorkItem], this_run: RunContext) -> list[CompanyRequest]:
        """The requests for some needs' companies, by what is held now."""
        instant, settings = this_run.now, this_run.settings
        found: dict[int, CompanyRequest] = {}
        for is_whole in (False, True):
            tickers = [
                n.item for n in needs if n.item != DAILY_INDEX_ITEM and n.full_history is is_whole
            ]
            ciks = {cik for ticker in tickers for cik in self._ciks.get(ticker, ())}
            for request in plan_company_requests(
                sorted(ciks), is_whole, self._force, instant, settings
            ):
                found[request.cik] = request
        return [request for cik, request in found.items() if cik not in self._asked]

    def _ingest_index_days(
        self, days: Sequence[date], this_run: RunContext, sec: SecSession
    ) -> list[CompanyRequest]:
        """Loads some days' indexes; the requests for what they name."""
        instant, settings = this_run.now, this_run.settings
        # a day that is read while nobody is followed would never be read again
        if not days or not has_tracked_companies(settings):
            return []
        for day in days:
            ingest_filing_index(day, this_run, sec)
        with connect(settings) as connection:
            rows = connection.execute(
                "select distinct cik from audit.pending_filing"
                " where last_requested_on is null order by cik"
            ).fetchall()
        return plan_company_requests([cik for (cik,) in rows], False, False, instant, settings)

    def _ingest_companies(
        self,
        asked: Sequence[CompanyRequest],
        this_run: RunContext,
        sec: SecSession,
        archive: CompanyFactsZip | None,
    ) -> None:
        for batch in batched(asked, this_run.settings.sec_batch_companies):
            ingest_companies(batch, this_run, sec, archive)
            self._asked |= {request.cik for request in batch}
