"""Compare stored closes and splits with those of a second source; nothing is replaced."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

Field = Literal["close", "split", "bar"]
UNITS: Mapping[Field, str] = {"close": "USD", "split": "new shares per old share", "bar": "bars"}
# Prices are quoted in cents, below 1 USD in hundredths of a cent. Yahoo keeps single precision,
# and undoing a split adds to its rounding: 0.01 % is a thousand times that.
TICK_USD, TICK_BELOW_1_USD, RELATIVE_TOLERANCE = 0.01, 0.0001, 0.0001
# a ratio of a spin-off has three or four digits at one source and eight at the other
SPLIT_TOLERANCE = 0.001
# A source may be late with the newest sessions; what is older was not sent.
LATE_SESSIONS = 2


@dataclass(frozen=True)
class Comparison:
    """State one value of both sources.

    Attributes:
        ticker: The ticker.
        session_date: The session.
        field: close, split, or bar: whether there is one.
        stored_value: Ours, in the unit of `UNITS`; of no split 1, of a missing bar 0.
        source_value: The second source's.
        is_different: Whether they differ beyond rounding.
    """

    ticker: str
    session_date: date
    field: Field
    stored_value: float
    source_value: float
    is_different: bool

    def __str__(self) -> str:
        """Return the line of the log: without the source's value, which is for internal use."""
        return (
            f"{self.ticker} {self.session_date} {self.field}: {self.stored_value:g} stored, another"
            f" value at Tiingo ({UNITS[self.field]})"
        )


def compare_prices(
    windows: Mapping[str, Sequence[date]],
    stored_closes: Mapping[tuple[str, date], float],
    stored_splits: Mapping[tuple[str, date], float],
    source: pd.DataFrame,
) -> list[Comparison]:
    """Compare bars, closes and splits of all sessions, value by value.

    A session that one source lacks is a difference, unless it is among the newest
    `LATE_SESSIONS` and that source has none after it: it may still come, and nothing is compared.

    Args:
        windows: Ticker to its sessions, in order, of the tickers with a reply.
        stored_closes: (ticker, session) to the close as traded, USD.
        stored_splits: (ticker, ex-date) to new shares per old share.
        source: Columns `ticker`, `session_date`, `close`, `split_factor`.

    Returns:
        One per ticker, session and field that could be compared, equal ones included.
    """
    replies = {
        (row["ticker"], row["session_date"].date()): (row["close"], row["split_factor"])
        for row in source.to_dict("records")
    }
    found: list[Comparison] = []
    for ticker, sessions in windows.items():
        stored_days = {day for day in sessions if (ticker, day) in stored_closes}
        source_days = {day for day in sessions if (ticker, day) in replies}
        late = set(sessions[-LATE_SESSIONS:])
        for day in sessions:
            is_stored, is_sent = day in stored_days, day in source_days
            if is_stored != is_sent:
                lacking = source_days if is_stored else stored_days
                if day not in late or any(other > day for other in lacking):
                    found.append(
                        Comparison(ticker, day, "bar", float(is_stored), float(is_sent), True)
                    )
            elif is_stored:
                close, split_factor = replies[ticker, day]
                found += _compare_bar(
                    ticker,
                    day,
                    (stored_closes[ticker, day], close),
                    (stored_splits.get((ticker, day), 1.0), split_factor),
                )
    return found


def find_sessions_without_bars(
    windows: Mapping[str, Sequence[date]],
    stored_closes: Mapping[tuple[str, date], float],
    source: pd.DataFrame,
) -> list[tuple[str, date]]:
    """Return the sessions of which neither source has a bar: no difference can be left.

    Args:
        windows: As in `compare_prices`, as the others.
        stored_closes: The keys are used.
        source: The keys are used.
    """
    days = source["session_date"].dt.date
    with_bars = {*stored_closes, *zip(source["ticker"], days, strict=True)}
    keys = [(ticker, day) for ticker, sessions in windows.items() for day in sessions]
    return [key for key in keys if key not in with_bars]


def _compare_bar(
    ticker: str, day: date, closes: tuple[float, float], splits: tuple[float, float]
) -> Iterator[Comparison]:
    yield Comparison(ticker, day, "bar", 1.0, 1.0, is_different=False)
    yield Comparison(ticker, day, "close", *closes, differs_beyond_rounding(*closes))
    difference = abs(splits[0] - splits[1])
    yield Comparison(ticker, day, "split", *splits, difference > SPLIT_TOLERANCE * max(splits))


def differs_beyond_rounding(close: float, other: float) -> bool:
    """Return whether two closes in USD differ by more than a tick and more than 0.01 %."""
    high = max(close, other)
    tick = TICK_USD if high >= 1 else TICK_BELOW_1_USD
    # a difference of exactly one tick is none: 0.3 - 0.29 is 0.010000000000000009
    return abs(close - other) > max(tick, RELATIVE_TOLERANCE * high) + 1e-9


def to_frame(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """Return comparisons as a frame: their attributes, and `unit`."""
    columns = ["ticker", "session_date", "field", "stored_value", "source_value", "is_different"]
    frame = pd.DataFrame(
        [tuple(getattr(each, name) for name in columns) for each in comparisons], columns=columns
    )
    return frame.assign(
        unit=frame["field"].map(UNITS).astype("str"),
        session_date=pd.to_datetime(frame["session_date"]).astype("datetime64[s]"),
        ticker=frame["ticker"].astype("str"),
        field=frame["field"].astype("str"),
        stored_value=frame["stored_value"].astype("float64"),
        source_value=frame["source_value"].astype("float64"),
        is_different=frame["is_different"].astype("bool"),
    )
