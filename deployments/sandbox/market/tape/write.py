"""Simulate a market and write it as a tape."""

from __future__ import annotations

import fcntl
import shutil
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from deployments.sandbox.market.companies.actions import price_companies
from deployments.sandbox.market.companies.events import simulate_events
from deployments.sandbox.market.companies.universe import create_universe
from deployments.sandbox.market.defects.defects import (
    clean_tickers,
    inject_defects,
    unadjusted_splits,
)
from deployments.sandbox.market.filings.filings import clear_filings, write_filings
from deployments.sandbox.market.funds.fund_bars import (
    INDEXES,
    VOLATILITY_INDEX,
    fund_bars,
    index_bars,
)
from deployments.sandbox.market.funds.funds import FUNDS, FundPortfolio, simulate_fund
from deployments.sandbox.market.funds.holdings import LAYOUTS, holdings_files
from deployments.sandbox.market.funds.membership import rank_members
from deployments.sandbox.market.macro.catalogue import series_frame
from deployments.sandbox.market.macro.daily_series import daily_publications
from deployments.sandbox.market.macro.released_series import survey_publications
from deployments.sandbox.market.macro.vintages import intervals, release_dates
from deployments.sandbox.market.prices.bars import company_bars
from deployments.sandbox.market.prices.factors import Factors, simulate_factors
from deployments.sandbox.market.prices.returns import draw_returns
from deployments.sandbox.market.sessions import Timeline, build_timeline
from deployments.sandbox.market.tape.tables import actions, companies, instruments, true_price_moves

#: Called with the name of each step as it begins.
Progress = Callable[[str], None]

#: One set of planted defects for this many companies.
_COMPANIES_PER_SET = 260

_NOTES = (
    "Invented companies; every figure is drawn from the seed. On a day with a split and a "
    "dividend, the dividend is per share after the split."
)


def simulate(
    out: Path,
    *,
    seed: int = 7,
    small: int = 200,
    large: int = 60,
    years: int = 3,
    end: date = date(2026, 2, 13),
    progress: Progress | None = None,
) -> None:
    """Simulate a market and write its tape to the folder `out`.

    The same arguments give the same tape. Files of an earlier tape in `out` are replaced.

    Args:
        out: folder to write; created when it does not exist.
        seed: source of every draw.
        small: companies that start in the small index.
        large: companies that start in the large index.
        years: length of the bars up to `end`.
        end: last day; the tape ends on the last session up to it.
        progress: called with the text of each step as it begins.

    Raises:
        ValueError: too few companies or years to hold the planted events.
        FileExistsError: `out` holds something other than a tape.
    """
    if years < 1:
        raise ValueError(f"a tape needs at least one year of sessions, not {years}")
    tell = progress or (lambda step: None)
    _clear(out)

    def rng(topic: str) -> np.random.Generator:
        # One stream per topic: a change in one part keeps the draws of the others. The topics
        # seed the streams: renaming one changes the tape.
        return np.random.default_rng([seed, zlib.crc32(topic.encode())])

    tell("calendar")
    timeline = build_timeline(years, end)
    sessions = timeline.sessions
    tell("companies")
    universe = create_universe(small, large, years, rng("universe"))
    universe, events = simulate_events(universe, len(sessions), rng("fates"))
    tell("returns")
    factors = simulate_factors(len(timeline.history), len(sessions), rng("factors"))
    returns = draw_returns(universe, events, factors, rng("returns"))
    prices = price_companies(universe, events, returns, rng("prices"))
    tell("bars")
    bars = company_bars(universe, events, prices, returns, sessions, rng("bars"))
    del returns
    tell("funds")
    worth = prices.per_original_share
    caps = worth * (universe.cap / worth[events.first, np.arange(len(universe))])
    membership = rank_members(universe, events, caps, sessions)
    del worth, caps
    books = [simulate_fund(fund, universe, events, membership, prices, sessions) for fund in FUNDS]
    bars = _with_funds(bars, books, factors, timeline, rng("funds"))
    tell("defects")
    plain = clean_tickers(universe, events, prices)
    split_bars = unadjusted_splits(universe, prices, bars, timeline)
    repeats = max(1, round(len(universe) / _COMPANIES_PER_SET))
    defects, truth = inject_defects(bars, plain, split_bars, timeline, repeats, rng("defects"))
    truth = pl.concat([truth, true_price_moves(universe, events, sessions)])

    tell("writing bars")
    bars.write_parquet(out / "bars.parquet")
    defects.sort("ticker", "session_date", "kind").write_parquet(out / "defects.parquet")
    truth.sort("ticker", "session_date", "kind").write_csv(out / "truth.csv")
    actions(universe, events, prices, books, sessions).write_csv(out / "actions.csv")
    instruments(universe, events, sessions).write_csv(out / "instruments.csv")
    table = companies(universe, events, prices, membership, sessions)
    table.write_csv(out / "truth_companies.csv")
    tell("holdings")
    for book in books:
        if book.fund.ticker in LAYOUTS:
            folder = out / "holdings" / book.fund.ticker
            folder.mkdir(parents=True, exist_ok=True)
            for day, text in holdings_files(book, universe, events, prices, sessions):
                (folder / f"{day}.csv").write_text(text, encoding="utf-8", newline="")
    tell("macro")
    funds_rate = _write_macro(out, timeline, factors, rng)
    tell("filings")
    write_filings(out, universe, events, prices, timeline, funds_rate, years, rng("filings"))
    _write_metadata(out, timeline, seed=seed, small=small, large=large, years=years, end=end)
    tell("done")


def simulate_once(tape: Path, seed: int, progress: Progress) -> None:
    """Write the small simulated market to a folder, unless it is there.

    An interrupted simulation leaves no half tape: it is written beside the folder, then renamed.
    Another process that needs the same tape waits for it.
    """
    tape.parent.mkdir(parents=True, exist_ok=True)
    with (tape.parent / f".{tape.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (tape / "tape.toml").exists():
            return
        partial = tape.with_name(f".{tape.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        simulate(partial, seed=seed, progress=progress)
        # what is in the way has no tape.toml: half a tape
        shutil.rmtree(tape, ignore_errors=True)
        partial.rename(tape)


def _clear(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()) and not (out / "tape.toml").exists():
        raise FileExistsError(f"{out} is not empty and holds no tape")
    # Removed first: a run that stops halfway leaves no folder that looks like a tape.
    for path in [out / "tape.toml", *out.glob("holdings/*/*.csv")]:
        path.unlink(missing_ok=True)
    clear_filings(out)


def _with_funds(
    bars: pl.DataFrame,
    books: list[FundPortfolio],
    factors: Factors,
    timeline: Timeline,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Return the bars of companies, funds and indexes, by ticker and session."""
    sessions = timeline.sessions
    by_fund = {book.fund.ticker: book for book in books}
    frames = [bars, *(fund_bars(book, sessions, rng) for book in books)]
    for symbol, _, fund, level in INDEXES:
        raw = by_fund[fund].invested
        frames.append(index_bars(symbol, raw * level / raw[-1], sessions, rng))
    vix = factors.vix[timeline.first :]
    frames.append(index_bars(VOLATILITY_INDEX[0], vix, sessions, rng))
    return pl.concat(frames).sort("ticker", "session_date")


def _write_macro(
    out: Path,
    timeline: Timeline,
    factors: Factors,
    rng: Callable[[str], np.random.Generator],
) -> pl.DataFrame:
    """Write the macro series and return the publications of the federal funds rate."""
    published = pl.concat(
        [
            *daily_publications(timeline, factors.vix, rng("macro")),
            *survey_publications(timeline, rng("surveys")),
        ]
    )
    known_by = timeline.history[-1].item()
    series = series_frame()
    series.write_csv(out / "series.csv")
    intervals(published, known_by).write_parquet(out / "observations.parquet")
    release_dates(published, series, known_by).write_csv(out / "release_dates.csv")
    return published.filter(pl.col("series_id") == "DFF")


def _write_metadata(out: Path, timeline: Timeline, *, seed: int, **options: object) -> None:
    last = timeline.sessions[-1]
    lines = [
        f'name = "simulated-{seed}"',
        'kind = "simulated"',
        f'clock = "{last}T23:00:00Z"',
        f'notes = "{_NOTES}"',
        f"seed = {seed}",
        "",
        "[options]",
        *(f"{key} = {value}" for key, value in options.items()),
    ]
    (out / "tape.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
