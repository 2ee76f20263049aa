"""The funds' daily holdings files, byte for byte in the issuer's layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from deployments.sandbox.market.companies.actions import Prices
from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.universe import SECTORS, Universe
from deployments.sandbox.market.funds.funds import FundPortfolio
from deployments.sandbox.market.sessions import Days, last_of_month

#: One file for each of these last sessions, besides one for each month's last session.
RECENT_SESSIONS = 10

#: Session from which the files say NYSE for the New York Stock Exchange, as they once changed.
_NYSE_SINCE = date(2026, 2, 2)

_NAME_LENGTH = 34
_BLANK_LINE = "\u00a0"
_COLUMNS = (
    "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value,{quantity},Price,"
    "Location,Exchange,Currency,FX Rate,Market Currency,Accrual Date"
)
_LEGAL = (
    '"These rows describe a simulated portfolio. No fund held them, and no offer is made.',
    "Positions change daily.",
    "The “price” of a row is its simulated close; a “market value” is quantity times price.",
    'It is given for software tests alone, without any warranty."',
)


@dataclass(frozen=True)
class Layout:
    """Differences between the files of the three funds.

    Attributes:
        title: first line of the file.
        inception: inception date as the file writes it.
        quantity: heading of the column of shares held; older files said Shares.
        future: symbol and name of the index future that equitizes the cash.
        leftovers: whether the file carries rights left over from takeovers.
    """

    title: str
    inception: str
    quantity: str
    future: tuple[str, str]
    leftovers: bool


LAYOUTS = {
    "IWM": Layout(
        "iShares Russell 2000 ETF",
        "May 22, 2000",
        "Quantity",
        ("RTYH6", "RUSSELL 2000 EMINI CME MAR 26"),
        True,
    ),
    "IVV": Layout(
        "iShares Core S&P 500 ETF",
        "May 15, 2000",
        "Quantity",
        ("ESH6", "S&P500 EMINI MAR 26"),
        False,
    ),
    "IJR": Layout(
        "iShares Core S&P Small-Cap ETF",
        "May 22, 2000",
        "Shares",
        ("FAH6", "S&P MID 400 EMINI MAR 26"),
        False,
    ),
}


def snapshot_sessions(sessions: Days) -> list[int]:
    """Return sessions with a file: each month's last and the most recent ones."""
    recent = range(max(0, len(sessions) - RECENT_SESSIONS), len(sessions))
    return sorted({*last_of_month(sessions).tolist(), *recent})


def holdings_files(
    book: FundPortfolio, universe: Universe, events: CompanyEvents, prices: Prices, sessions: Days
) -> Iterator[tuple[date, str]]:
    """Yield the as-of date and the text of each file of one fund.

    Text starts with a byte order mark. Market values, cash included, add up to the net asset
    value per share times the shares outstanding, within the rounding of quantities.
    """
    sheets = _Sheets(book, universe, events, prices)
    for session in snapshot_sessions(sessions):
        yield sessions[session].item(), sheets.text(session, sessions[session].item())


class _Sheets:
    def __init__(
        self, book: FundPortfolio, universe: Universe, events: CompanyEvents, prices: Prices
    ) -> None:
        self.book, self.events, self.prices = book, events, prices
        self.layout = LAYOUTS[book.fund.ticker]
        self.exchange = universe.exchange
        self.heads = [
            f'"{name.upper()[:_NAME_LENGTH].strip()}","{SECTORS[sector]}","Equity"'
            for name, sector in zip(universe.name, universe.sector, strict=True)
        ]
        self.symbols = [ticker.replace("-", " ") for ticker in universe.ticker]
        self.taken_over = [
            company
            for company, ending in enumerate(events.delisting_reason)
            if ending == "takeover"
        ]

    def text(self, session: int, day: date) -> str:
        """Return the file of one session."""
        shares = self.book.fund.shares
        companies, units = self.book.holdings_at(session)
        share_count = units * self.prices.shares[session, companies] * shares
        quantity = np.rint(share_count)
        price = self.prices.close[session, companies]
        market = np.round(quantity * price, 2)
        cash = self.book.cash[session] * shares
        total = float(market.sum()) + cash
        lines = [
            "\ufeff" + self.layout.title,
            f'Fund Holdings as of,"{day:%b %d, %Y}"',
            f'Inception Date,"{self.layout.inception}"',
            f'Shares Outstanding,"{shares:,.2f}"',
            *(f'{kind},"-"' for kind in ("Stock", "Bond", "Cash", "Other")),
            _BLANK_LINE,
            _COLUMNS.format(quantity=self.layout.quantity),
        ]
        renamed, since, symbol = self.events.renamed
        nyse = "NYSE" if day >= _NYSE_SINCE else "New York Stock Exchange Inc."
        order = np.lexsort((companies, -market))
        for i in order:
            company = int(companies[i])
            ticker = symbol if company == renamed and session >= since else self.symbols[company]
            venue = nyse if self.exchange[company] == "NYSE" else "NASDAQ"
            lines.append(
                f'"{ticker}",{self.heads[company]},"{market[i]:,.2f}",'
                f'"{100 * market[i] / total:.2f}","{market[i]:,.2f}","{quantity[i]:,.2f}",'
                f'"{price[i]:,.2f}","United States","{venue}","USD","1.00","USD","-"'
            )
        lines += self._leftovers(session)
        lines += self._cash(cash, total)
        return "\n".join([*lines, _BLANK_LINE, *_LEGAL]) + "\n"

    def _leftovers(self, session: int) -> list[str]:
        """Return the rights left after a takeover: equity by class, but no stock."""
        if not self.layout.leftovers:
            return []
        rows = []
        for order, company in enumerate(self.taken_over[:2]):
            if self.events.last[company] >= session:
                continue
            name, _, sector = self.heads[company].partition('","')
            name = f"{name[1:].split()[0]} INC {'Prvt/CVR' if order else '- CVR'}"
            # One has the delisted symbol and an exchange, the other neither, as in real files.
            ticker = "-" if order else self.symbols[company]
            venue = "NO MARKET (E.G. UNLISTED)" if order else "NASDAQ"
            rows.append(
                f'"{ticker}","{name}","{sector},"0.13","0.00","0.13","13,273.00","0.00",'
                f'"United States","{venue}","USD","1.00","USD","-"'
            )
        return rows

    def _cash(self, cash: float, total: float) -> list[str]:
        pool, margin = round(0.6 * cash), round(0.1 * cash)
        rest = round(cash - pool - margin, 2)
        future, name = self.layout.future
        lots = max(1, round(cash / 250_000))
        sheet = (
            ("XTSLA", "BLK CSH FND TREASURY SL AGENCY", "Money Market", pool, "1.00", "-"),
            ("USD", "USD CASH", "Cash", rest, "100.00", "-"),
            ("MSFUT", "CASH COLLATERAL MSFUT USD", "Cash Collateral and Margins", margin, "100.00",
             "Feb 01, 2009"),
        )  # fmt: skip
        rows = [
            f'"{ticker}","{title}","Cash and/or Derivatives","{kind}","{amount:,.2f}",'
            f'"{100 * amount / total:.2f}","{amount:,.2f}","{amount:,.0f}.00","{price}",'
            f'"United States","-","USD","1.00","USD","{accrual}"'
            for ticker, title, kind, amount, price, accrual in sheet
        ]
        rows.append(
            '"CAD","CAD CASH","Cash and/or Derivatives","Cash","0.01","0.00","0.01","0.00",'
            '"72.30","Canada","-","USD","1.38","CAD","-"'
        )
        rows.append(
            f'"{future}","{name}","Cash and/or Derivatives","Futures","0.00","0.00",'
            f'"{lots * 132_220:,.2f}","{lots:,.2f}","2,644.40","-",'
            '"Chicago Mercantile Exchange","USD","1.00","USD","-"'
        )
        return rows
