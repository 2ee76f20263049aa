"""Mock of the SEC: facts, submissions, symbols, indexes, archives and fund reports."""

import gzip
import io
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

import orjson

from deployments.sandbox.providers.messages import Reply, Request, json_reply
from deployments.sandbox.providers.sec.facts import Filers
from deployments.sandbox.providers.sec.fund_reports import TRUST_CIK, FundReports
from deployments.sandbox.providers.sec.index import Indexes
from deployments.sandbox.providers.sec.pages import (
    has_contact_user_agent,
    no_such_key,
    undeclared_page,
)
from deployments.sandbox.tape.records import NEW_YORK
from deployments.sandbox.tape.tape import Tape

HOSTS = ("data.sec.gov", "www.sec.gov")
FACTS = re.compile(r"/api/xbrl/companyfacts/CIK(\d{10})\.json")
CONCEPT = re.compile(r"/api/xbrl/companyconcept/CIK(\d{10})/([\w-]+)/(\w+)\.json")
SUBMISSIONS = re.compile(r"/submissions/CIK(\d{10})\.json")
ARCHIVES = {
    "/Archives/edgar/daily-index/xbrl/companyfacts.zip": Filers.facts,
    "/Archives/edgar/daily-index/bulkdata/submissions.zip": Filers.submissions,
}

#: When the archives are rebuilt in New York, with what was filed by the day before.
REBUILT = time(3, 0)
GZIP_MIN_BYTES = 512


class Sec:
    """Replies as the SEC at the clock's time."""

    def __init__(self, tape: Tape) -> None:
        """Index a tape.

        Args:
            tape: Whose company facts are shown; a tape without any has no symbols either.
        """
        self._filers = Filers(tape)
        self._indexes = Indexes(self._filers)
        self._fund_reports = FundReports(tape)
        self._archives: dict[str, tuple[date, bytes]] = {}

    def handle(self, request: Request, now: datetime) -> Reply:
        """Reply to one request.

        Args:
            request: To any of HOSTS.
            now: The clock.

        Returns:
            What was filed by the clock's day in New York; 404 where that is nothing, and 403 for
            a client that does not say who it is.
        """
        if not has_contact_user_agent(request.headers.get("user-agent", "")):
            return undeclared_page()
        find = self._find_data if request.host == HOSTS[0] else self._find_file
        reply = find(request.path, now) or no_such_key(request.path)
        return _pack(reply) if "gzip" in request.headers.get("accept-encoding", "") else reply

    def _find_data(self, path: str, now: datetime) -> Reply | None:
        today = now.astimezone(NEW_YORK).date()
        content = None
        if match := FACTS.fullmatch(path):
            content = self._filers.facts(int(match[1]), today)
        elif match := CONCEPT.fullmatch(path):
            content = self._concept(int(match[1]), match[2], match[3], today)
        elif match := SUBMISSIONS.fullmatch(path):
            cik = int(match[1])
            reports = self._fund_reports.submissions(today) if cik == TRUST_CIK else None
            content = reports or self._filers.submissions(cik, today)
        return json_reply(200, content) if content else None

    def _concept(self, cik: int, taxonomy: str, tag: str, day: date) -> dict[str, Any] | None:
        content = self._filers.facts(cik, day)
        about = content["facts"].get(taxonomy, {}).get(tag) if content else None
        if content is None or about is None:
            return None
        head = {"cik": cik, "taxonomy": taxonomy, "tag": tag}
        concept: dict[str, Any] = head | {"entityName": content["entityName"]} | about
        return concept

    def _find_file(self, path: str, now: datetime) -> Reply | None:
        today = now.astimezone(NEW_YORK).date()
        if document := self._fund_reports.document(path, today):
            return Reply(200, document, "text/xml")
        rows = self._filers.tickers(today)
        if path == "/files/company_tickers.json":
            slim = [{name: row[name] for name in ("cik_str", "ticker", "title")} for row in rows]
            return json_reply(200, {str(at): row for at, row in enumerate(slim)})
        if path == "/files/company_tickers_exchange.json":
            columns = ("cik_str", "title", "ticker", "exchange")
            table = [[row.get(column) for column in columns] for row in rows]
            return json_reply(200, {"fields": ["cik", "name", "ticker", "exchange"], "data": table})
        if path in ARCHIVES:
            return self._archive(path, now)
        return self._indexes.handle(path, now)

    def _archive(self, path: str, now: datetime) -> Reply | None:
        local = now.astimezone(NEW_YORK)
        built = local.date() - timedelta(days=local.time() < REBUILT)
        cached = self._archives.get(path)
        if cached is None or cached[0] != built:
            cached = (built, self._build(ARCHIVES[path], built - timedelta(days=1)))
            self._archives[path] = cached
        modified = datetime.combine(built, REBUILT, NEW_YORK).astimezone(UTC)
        header = ("Last-Modified", format_datetime(modified, usegmt=True))
        return Reply(200, cached[1], "application/zip", (header,)) if cached[1] else None

    def _build(self, tell: Callable[[Filers, int, date], Any], day: date) -> bytes:
        """Zip each company's filings by a day; return nothing without companies."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for cik in self._filers.ciks:
                if content := tell(self._filers, cik, day):
                    archive.writestr(f"CIK{cik:010d}.json", orjson.dumps(content))
            names = archive.namelist()
        return packed.getvalue() if names else b""


def _pack(reply: Reply) -> Reply:
    if len(reply.body) < GZIP_MIN_BYTES or reply.content_type == "application/zip":
        return reply
    headers = (*reply.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
    return Reply(reply.status, gzip.compress(reply.body, 1), reply.content_type, headers)
