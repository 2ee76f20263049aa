"""Ingest a backfill of filings: the ticker list, days of the index, companies."""

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
    ingest,
    ingest_plan,
    open_bulk_facts,
    sec_companies,
    sec_company_tickers,
    sec_filing_index,
)
from tasks.plan.filings import (
    company_requests,
    has_tracked_companies,
    plan_companies,
    plan_company_tickers,
)
from tasks.run.context import RunContext
from warehouse.connect.connections import connect

# the item of an index day; tickers have capitals only
DAILY_INDEX_ITEM = "filing index"


class FilingsIngestor:
    """Ingests the chunks of one backfill under one SEC session, which remembers blocks."""

    def __init__(
        self, scope: ResolvedRequest, work_items: Sequence[WorkItem], exit_stack: ExitStack
    ) -> None:
        """Prepare without any request.

        Args:
            scope: The request.
            work_items: Those of all chunks: they decide whether the bulk file is downloaded.
            exit_stack: Closes the session and the bulk file.
        """
        self._scope, self._full_history = scope, scope.request.mode == "all"
        self._work_items, self._exit_stack = work_items, exit_stack
        self._sec: SecSession | None = None
        self._bulk_facts: CompanyFactsZip | None = None
        self._ciks: dict[str, list[int]] = {}
        self._requested = set[int]()

    def ingest_chunk(self, work_items: Sequence[WorkItem], run: RunContext) -> None:
        """Ingest one chunk, and the filings that its index days list."""
        if self._sec is None:
            self._sec = self._open_session(run)
        self._ingest_companies(self._plan(work_items, run), run, self._sec, self._bulk_facts)
        days = [
            each.start
            for each in work_items
            if each.item == DAILY_INDEX_ITEM and each.start is not None
        ]
        # after the companies: a listed filing may be newer than the bulk file
        discovered = self._ingest_index_days(days, run, self._sec)
        self._ingest_companies(discovered, run, self._sec, None)

    def _open_session(self, run: RunContext) -> SecSession:
        sec = self._exit_stack.enter_context(open_sec_session(run.settings))
        # first: the ticker list decides whose filings are kept of an index
        ingest_plan(sec_company_tickers(sec), plan_company_tickers(run.now, run.settings), run)
        self._ciks = self._read_ciks()
        requests = self._plan(self._work_items, run)
        self._bulk_facts = self._exit_stack.enter_context(open_bulk_facts(requests, run, sec))
        return sec

    def _read_ciks(self) -> dict[str, list[int]]:
        """Return the CIKs of each requested ticker."""
        scope, ciks = self._scope, dict[str, list[int]]()
        with connect(scope.settings) as connection:
            companies = read_target_companies(
                connection, scope.request.tickers, scope.request.index, scope.start
            )
        for ticker, cik in companies:
            if cik is not None:
                ciks.setdefault(ticker, []).append(cik)
        return ciks

    def _plan(self, work_items: Sequence[WorkItem], run: RunContext) -> list[CompanyRequest]:
        """Return the company requests of some work items, by the facts stored now."""
        requests: dict[int, CompanyRequest] = {}
        for force in (False, True):
            tickers = [
                each.item
                for each in work_items
                if each.item != DAILY_INDEX_ITEM and each.full_history is force
            ]
            ciks = {cik for ticker in tickers for cik in self._ciks.get(ticker, ())}
            for request in company_requests(
                sorted(ciks), force, self._full_history, run.now, run.settings
            ):
                requests[request.cik] = request
        return [request for cik, request in requests.items() if cik not in self._requested]

    def _ingest_index_days(
        self, days: Sequence[date], run: RunContext, sec: SecSession
    ) -> list[CompanyRequest]:
        """Ingest index days; return the requests for the filings they list."""
        # an index day ingested while no company is tracked would never be ingested again
        if not days or not has_tracked_companies(run.settings):
            return []
        for day in days:
            ingest(sec_filing_index(sec), day, run)
        with connect(run.settings) as connection:
            rows = connection.execute(
                "select distinct cik from audit.pending_filing"
                " where last_requested_on is null order by cik"
            ).fetchall()
        ciks = [cik for (cik,) in rows]
        return company_requests(ciks, False, False, run.now, run.settings)

    def _ingest_companies(
        self,
        requests: Sequence[CompanyRequest],
        run: RunContext,
        sec: SecSession,
        bulk_facts: CompanyFactsZip | None,
    ) -> None:
        source = sec_companies(sec, bulk_facts)
        for batch in plan_companies(requests, run.settings).batches():
            ingest(source, batch, run)
            self._requested |= {request.cik for request in batch}
