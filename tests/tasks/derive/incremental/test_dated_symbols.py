"""Breadth over renamed, reused and delisted symbols: the right companies on every day."""

from collections.abc import Iterable
from datetime import date

import numpy as np
import polars as pl
import pytest

from expectations.calendars.trading import session_closes
from tasks.extract.provider.fetch_log import FetchRecord, to_frame, utc_now
from tasks.plan.prices import price_requests
from tests.tasks.derive.pipeline import House

SESSIONS = [day.date() for day in session_closes().loc["2023-01-03":].index[:105]]
RENAMED, DEAD, HEIR_FROM, DELISTED, END = 40, 26, 92, 60, 105

# company to the sessions in which it trades
TRADED = {
    "stays": (0, END),
    "is renamed": (0, END),
    "dies": (0, DEAD),
    "takes its symbol": (HEIR_FROM, END),
    "is delisted": (0, DELISTED),
    "comes in": (0, END),
}
# known from this session on: symbol in the file to the company that it means
FILES = {
    5: {"AAA": "stays", "OLD": "is renamed", "SYM": "dies", "GONE": "is delisted"},
    41: {"AAA": "stays", "NEW": "is renamed", "GONE": "is delisted"},
    50: {"AAA": "stays", "NEW": "is renamed", "LATE": "comes in", "GONE": "is delisted"},
    70: {"AAA": "stays", "NEW": "is renamed", "LATE": "comes in"},
    95: {"AAA": "stays", "NEW": "is renamed", "LATE": "comes in", "SYM": "takes its symbol"},
}
SYMBOLS = ("AAA", "GONE", "LATE", "NEW", "OLD", "SYM")
DAILY = (12, DEAD - 1, DEAD, 39, RENAMED, 41, 42, 50, 51, 59, DELISTED, 70, HEIR_FROM, 93, 95, 104)
# the rename is seen when a file already uses the new symbol, the heir with his membership
SELDOM = (DEAD - 1, RENAMED - 1, 43, DELISTED - 1, 97, END - 1)
ROW = "session_date, members, priced, advancers, decliners, eligible_20, equal_weight_return"
BREADTH = f"select {ROW} from published.sector_breadth where sector = 'All' order by 1"


def closes(company: str) -> np.ndarray:
    steps = np.random.default_rng([*TRADED].index(company)).normal(0, 0.02, END)
    return np.round(50 * np.exp(np.cumsum(steps)), 4)


def shown(symbol: str, today: int) -> tuple[str, int, int] | None:
    """The company and the sessions that the vendor shows under a symbol."""
    company = {
        "AAA": "stays",
        "LATE": "comes in",
        "GONE": "is delisted" if today < DELISTED else None,
        "OLD": "is renamed" if today < RENAMED else None,
        "NEW": "is renamed" if today >= RENAMED else None,
        "SYM": "dies" if today < DEAD else "takes its symbol" if today >= HEIR_FROM else None,
    }[symbol]
    if company is None:
        return None
    first, after = TRADED[company]
    return company, first, min(after, today + 1)


class Vendor:
    """Fills a warehouse with what the providers show on each day."""

    def __init__(self, house: House) -> None:
        self.house, self.unread = house, dict(FILES)

    def refresh(self, today: int) -> None:
        for known in sorted(known for known in self.unread if known <= today):
            sectors = {ticker: (ticker, "Energy", 1.0) for ticker in self.unread.pop(known)}
            self.house.load_snapshot("R2000", SESSIONS[known], [*sectors.values()])
        bars, fetches = [], []
        for window in price_requests(SYMBOLS, False, self.house.settings):
            listing = shown(window.ticker, today)
            rows = []
            if listing:
                company, first, after = listing
                prices = closes(company)
                volume = 1000 + 100_000 * [*TRADED].index(company)
                rows = [
                    (window.ticker, SESSIONS[each], float(prices[each]), volume + each)
                    for each in range(first, after)
                    if SESSIONS[each] >= window.start
                ]
            status = "loaded" if rows else "not_found"
            fetches.append(
                FetchRecord("yahoo", "daily_price", window.ticker, window.start, SESSIONS[today],
                      status, None if rows else "unknown_symbol", "", len(rows), 1,
                      utc_now(), utc_now())
            )  # fmt: skip
            bars += rows
        self.house.load_prices(bars, fetches=to_frame(fetches))
        self.house.derive()


def expected(until: int) -> pl.DataFrame:
    """Breadth by hand, from what the companies did."""
    rows = []
    for today in range(until + 1):
        in_force = max((known for known in FILES if known <= today), default=min(FILES))
        members = [*FILES[in_force].values()]
        moves, eligible = [], 0
        for company in members:
            first, after = TRADED[company]
            if first <= today < after:
                eligible += today - first >= 19
                if today > first:
                    moves.append(closes(company)[today] / closes(company)[today - 1] - 1)
        rows.append(
            (
                SESSIONS[today], len(members), len(moves), sum(m > 0 for m in moves),
                sum(m < 0 for m in moves), eligible, float(np.mean(moves)) if moves else None,
            )
        )  # fmt: skip
    return pl.DataFrame(rows, schema=ROW.split(", "), orient="row")


def same(found: pl.DataFrame, wanted: pl.DataFrame) -> bool:
    returns = "equal_weight_return"
    assert found.drop(returns).rows() == wanted.drop(returns).rows()
    assert found[returns].to_list() == pytest.approx(wanted[returns].to_list(), abs=1e-9)
    return True


def fill(house: House, days: Iterable[int]) -> dict[date, tuple[object, ...]]:
    """Refreshes on some days; returns each day's own row as it stood that evening."""
    vendor, seen = Vendor(house), {}
    for today in days:
        vendor.refresh(today)
        seen[SESSIONS[today]] = house.read(BREADTH).row(-1)
    return seen


@pytest.mark.parametrize(
    "days",
    [pytest.param(DAILY, marks=pytest.mark.slow), SELDOM],
    ids=["daily", "seldom"],
)
def test_members_and_prices_are_the_companies_of_each_day(house, days):
    seen = fill(house, days)
    assert same(house.read(BREADTH), expected(END - 1))
    names = house.read(
        "select ticker, valid_from, renamed_to from published.ticker order by 1, 2 nulls first"
    ).rows()
    assert names == [
        ("AAA", None, None),
        ("GONE", None, None),
        ("LATE", None, None),
        ("NEW", SESSIONS[RENAMED], None),
        ("OLD", None, "NEW"),
        ("SYM", None, None),
        ("SYM", SESSIONS[HEIR_FROM], None),
    ]
    followed = house.checksums()
    house.rebuild()
    assert house.checksums() == followed
    if days == DAILY:
        # what came later changed nothing of what a day was seen as
        final = {row[0]: row for row in house.read(BREADTH).iter_rows()}
        assert seen == {day: final[day] for day in seen}
        house.empty()
        fill(house, SELDOM)
        assert house.checksums() == followed
