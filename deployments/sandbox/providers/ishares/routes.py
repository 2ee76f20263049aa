"""Mock of iShares and BlackRock: holdings files of the tape, byte for byte."""

import re
from datetime import date, datetime

from deployments.sandbox.providers.messages import Reply, Request, html_reply
from deployments.sandbox.tape.records import NEW_YORK
from deployments.sandbox.tape.tape import Tape

HOSTS = ("www.ishares.com", "www.blackrock.com")
CSV_TYPE = "text/csv;charset=UTF-8"
FUNDS = {
    "239710": ("IWM", "iShares Russell 2000 ETF"),
    "239726": ("IVV", "iShares Core S&P 500 ETF"),
    "239774": ("IJR", "iShares Core S&P Small-Cap ETF"),
    "239763": ("IJH", "iShares Core S&P Mid-Cap ETF"),
}
PRODUCT = re.compile(r"/us/products/(\d+)/[^/]+/(latest-holdings\.csv|\d+\.ajax)")
DOCUMENT = re.compile(r"/varnish-api/.+/get-fund-document")
COLUMNS = (
    "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value,Quantity,Price,"
    "Location,Exchange,Currency,FX Rate,Market Currency,Accrual Date"
)
LEGAL = (
    "The content contained herein is owned or licensed by BlackRock and/or its third-party "
    'information providers ("Third Party Content"). Carefully consider the fund\'s investment '
    "objectives, risk factors, and charges and expenses before investing.\n"
)


class IShares:
    """Replies as the funds' web pages at the clock's time."""

    def __init__(self, tape: Tape) -> None:
        """Store a tape.

        Args:
            tape: Whose holdings files are served.
        """
        self._holdings = tape.holdings

    def handle(self, request: Request, now: datetime) -> Reply:
        """Reply to one request.

        Args:
            request: To any of HOSTS.
            now: The clock.

        Returns:
            The newest file dated before the clock's day in New York, or the one asked for by
            ``asOfDate``; where there is none, the file with a dash for its date.
        """
        product = PRODUCT.fullmatch(request.path)
        number = product[1] if product else None
        if DOCUMENT.fullmatch(request.path):
            number = request.params.get("portfolioId")
        if number not in FUNDS:
            return html_reply(404, "Page not found")
        fund, name = FUNDS[number]
        today = now.astimezone(NEW_YORK).date()
        known = {day: file for day, file in self._holdings.get(fund, {}).items() if day < today}
        requested_day = request.params.get("asOfDate")
        day = _parse_day(requested_day) if requested_day else max(known, default=None)
        body = known[day].read_bytes() if day in known else _without_holdings(name)
        disposition = ("Content-Disposition", f"attachment; filename={fund}_holdings.csv")
        return Reply(200, body, CSV_TYPE, (disposition,))


def _parse_day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None  # same reply as for a day without a file, as at the providers


def _without_holdings(name: str) -> bytes:
    lines = [name, 'Fund Holdings as of,"-"', 'Inception Date,"-"', 'Shares Outstanding,"-"']
    lines += [f'{kind},"-"' for kind in ("Stock", "Bond", "Cash", "Other")]
    lines += ["\u00a0", COLUMNS, "\u00a0", LEGAL * 12]
    return "\n".join(lines).encode("utf-8-sig")
