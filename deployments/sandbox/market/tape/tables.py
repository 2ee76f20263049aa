"""Tables of a tape's companies: actions, instruments and ground truth."""

from __future__ import annotations

import numpy as np
import polars as pl

from deployments.sandbox.market.companies.actions import Prices
from deployments.sandbox.market.companies.events import CompanyEvents
from deployments.sandbox.market.companies.universe import SECTORS, Universe
from deployments.sandbox.market.funds.fund_bars import INDEXES, VOLATILITY_INDEX, fund_actions
from deployments.sandbox.market.funds.funds import FUNDS, FundPortfolio
from deployments.sandbox.market.funds.membership import Membership
from deployments.sandbox.market.sessions import Days


def true_price_moves(universe: Universe, events: CompanyEvents, sessions: Days) -> pl.DataFrame:
    """Return the true large moves in the columns of the defects' ground truth."""
    rows = [
        (
            universe.ticker[shock.company],
            sessions[shock.session].item(),
            shock.kind,
            "keep",
            f"close {shock.ratio:.2f} times the one before",
        )
        for shock in events.shocks
    ]
    columns = {"ticker": pl.String, "session_date": pl.Date, "kind": pl.String}
    columns |= {"expected": pl.String, "note": pl.String}
    never = pl.lit(None, pl.Datetime("us", "UTC"))
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        visible_from=never, visible_to=never
    )


def instruments(universe: Universe, events: CompanyEvents, sessions: Days) -> pl.DataFrame:
    """Return the listings of companies, funds and indexes.

    Returns:
        One row per (ticker, first_session): last_session, type, renamed_to, renamed_on, name,
        sector. A renamed company has a row per symbol; a reused symbol has one per company.
    """
    renamed, since, symbol = events.renamed
    rows: list[tuple[object, ...]] = []
    for company, ticker in enumerate(universe.ticker):
        about = (universe.name[company], SECTORS[universe.sector[company]])
        first, last = sessions[events.first[company]].item(), sessions[events.last[company]].item()
        if company == renamed:
            turn = sessions[since].item()
            before = sessions[since - 1].item()
            rows.append((ticker, first, before, "EQUITY", symbol, turn, *about))
            rows.append((symbol, turn, last, "EQUITY", None, None, *about))
        else:
            rows.append((ticker, first, last, "EQUITY", None, None, *about))
    whole = (sessions[0].item(), sessions[-1].item())
    rows += [(fund.ticker, *whole, "ETF", None, None, fund.name, None) for fund in FUNDS]
    indexes = [each[:2] for each in INDEXES] + [VOLATILITY_INDEX]
    rows += [(ticker, *whole, "INDEX", None, None, name, None) for ticker, name in indexes]
    schema = {
        "ticker": pl.String,
        "first_session": pl.Date,
        "last_session": pl.Date,
        "type": pl.String,
        "renamed_to": pl.String,
        "renamed_on": pl.Date,
        "name": pl.String,
        "sector": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("ticker", "first_session")


def companies(
    universe: Universe,
    events: CompanyEvents,
    prices: Prices,
    membership: Membership,
    sessions: Days,
) -> pl.DataFrame:
    """Return one row per company, in the order of the simulation.

    `ticker` is the symbol at its end, `first_ticker` the one at its listing; `size` is its group
    on the last session ("large", "small", or "" outside both indexes); `shares_outstanding` and
    `market_cap_usd` are those of its last session.
    """
    every = np.arange(len(universe))
    renamed, _, symbol = events.renamed
    final = list(universe.ticker)
    final[renamed] = symbol
    issued = universe.cap / prices.per_original_share[events.first, every]
    shares = issued * prices.shares[events.last, every]
    size = np.where(membership.large[-1], "large", np.where(membership.small[-1], "small", ""))
    return pl.DataFrame(
        {
            "ticker": final,
            "first_ticker": universe.ticker,
            "name": universe.name,
            "sector": [SECTORS[each] for each in universe.sector],
            "industry": universe.industry,
            "size": size.tolist(),
            "first_size": np.where(universe.large, "large", "small").tolist(),
            "first_session": sessions[events.first],
            "last_session": sessions[events.last],
            "ending": events.delisting_reason,
            "shares_outstanding": np.rint(shares).astype(np.int64),
            "market_cap_usd": np.round(shares * prices.close[events.last, every], 2),
            "dividend_yield": np.round(universe.dividend_yield, 4),
            "beta": np.round(universe.beta, 4),
        }
    )


def actions(
    universe: Universe,
    events: CompanyEvents,
    prices: Prices,
    books: list[FundPortfolio],
    sessions: Days,
) -> pl.DataFrame:
    """Return splits, dividends and capital gains: ticker, ex_date, kind, value."""
    renamed, since, symbol = events.renamed
    paid = prices.dividends
    company = np.concatenate([[split.company for split in prices.splits], paid.company])
    session = np.concatenate([[split.session for split in prices.splits], paid.session])
    kinds = ["split"] * len(prices.splits) + ["dividend"] * len(paid.company)
    own = pl.DataFrame(
        {
            "ticker": [
                symbol if each == renamed and day >= since else universe.ticker[each]
                for each, day in zip(company.tolist(), session.tolist(), strict=True)
            ],
            "ex_date": sessions[session],
            "kind": kinds,
            "value": np.concatenate([[split.ratio for split in prices.splits], paid.amount]),
        }
    )
    frames = [own, *(fund_actions(book, sessions) for book in books)]
    return pl.concat(frames).sort("ticker", "ex_date", "kind")
