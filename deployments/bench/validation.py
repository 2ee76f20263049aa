"""Measure the rules of bars beside Polars masks and Pandera, on the same batches.

They are compared on `daily_price.ROW_RULES`, the rules that look at one row or one key. The
masks and Pandera return which rows are valid and count the others; ours also writes the reason, key
and whole text of each row for the quarantine. Of a repeated key, the masks and Pandera keep the
first row; ours keeps none if they conflict.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pandas as pd
import polars as pl

from deployments.bench.extraction import make_session_bars
from deployments.bench.market import LAST
from deployments.bench.timing import Measured, is_installed, seconds
from expectations.calendars.trading import session_dates
from expectations.contract import Contract
from expectations.tables import daily_price
from expectations.tables.daily_price import KEY, PRICES
from tasks.validate.validate import Refused, validate
from warehouse.settings import Settings

NOW = datetime(LAST.year, LAST.month, LAST.day, 23, tzinfo=UTC)
BATCH_TICKERS = Settings.model_fields["yahoo_batch_tickers"].default
REPEATS = 2
BROKEN_FRACTION = 1000
CLOSED_DAY, NEXT_SESSION = date(2025, 7, 4), date(2026, 1, 2)
MAX_PRICE, MAX_VIOLATION = 5_000_000, 1e-6
SESSIONS = pl.Series(session_dates(date(2000, 1, 1), NEXT_SESSION))
# one way to break each rule; the rows of the last one are repeated
BREAKS: dict[str, pl.Expr] = {
    "price_missing": pl.lit(None, pl.Float64).alias("close"),
    "price_not_positive": pl.lit(-1.0).alias("low"),
    "price_implausible": pl.lit(MAX_PRICE + 1.0).alias("high"),
    "ohlc_order": (pl.col("close") * 0.9).alias("high"),
    "volume_negative": pl.lit(-1, pl.Int64).alias("volume"),
    "not_a_session": pl.lit(CLOSED_DAY).alias("session_date"),
    "unfinished_session": pl.lit(NEXT_SESSION).alias("session_date"),
    "duplicate_bar": pl.col("close"),
}
LOWEST, HIGHEST = pl.min_horizontal(*PRICES), pl.max_horizontal(*PRICES)
OHLC_VIOLATION = 1 - pl.min_horizontal(pl.col("high") / HIGHEST, LOWEST / pl.col("low"))
IS_REPEATED = ~pl.struct(*KEY).is_first_distinct()
MASKS: dict[str, pl.Expr] = {
    "price_missing": pl.any_horizontal(pl.col(*PRICES).is_null()),
    "price_not_positive": LOWEST <= 0,
    "price_implausible": HIGHEST > MAX_PRICE,
    "ohlc_order": OHLC_VIOLATION > MAX_VIOLATION,
    "volume_negative": pl.col("volume") < 0,
    "not_a_session": ~pl.col("session_date").is_in(SESSIONS.implode()),
    "unfinished_session": pl.col("session_date") > LAST,
    "duplicate_bar": IS_REPEATED,
}
ROW_CONTRACT = replace(
    daily_price.CONTRACT,
    rules=daily_price.ROW_RULES,
    add_rule_columns=daily_price.annotate_rows,
)


@dataclass(frozen=True)
class Batch:
    """The same bars as a Polars frame, and as a pandas frame with the extraction's types."""

    bars: pl.DataFrame
    extracted: pd.DataFrame


Validator = Callable[[Batch], int]


def make_batches(tickers: int, years: int, is_broken: bool) -> list[Batch]:
    """Return generated bars in batches of tickers, one bar in a thousand broken if asked."""
    bars = make_session_bars(tickers, years).with_columns(
        pl.lit(1.0).alias("volume_resolution"),
        pl.lit(1.0).alias("removed_split_factor"),
        pl.lit("bench").alias("source"),
    )
    found = []
    for first in range(0, tickers, BATCH_TICKERS):
        is_inside = pl.col("instrument_id").is_between(first + 1, first + BATCH_TICKERS)
        batch = bars.filter(is_inside).drop("instrument_id")
        if is_broken:
            batch = break_rows(batch)
        dated = batch.with_columns(pl.col("session_date").cast(pl.Datetime("us"))).to_pandas()
        types = {"session_date": "datetime64[s]", "volume": "Int64"}
        extracted = dated.astype(types)
        found.append(Batch(batch, extracted))
    return found


def break_rows(bars: pl.DataFrame, fraction: int = BROKEN_FRACTION) -> pl.DataFrame:
    """Return bars of which one row in a fraction breaks one of the rules, in turn."""
    number = pl.int_range(pl.len())
    rule = pl.when(number % fraction == fraction // 2).then(number // fraction % len(BREAKS))
    numbered = bars.with_columns(rule.alias("rule"))
    for place, broken in enumerate(BREAKS.values()):
        column = broken.meta.output_name()
        numbered = numbered.with_columns(
            pl.when(pl.col("rule") == place).then(broken).otherwise(pl.col(column)).alias(column)
        )
    repeated = numbered.filter(pl.col("rule") == len(BREAKS) - 1)
    return pl.concat([numbered, repeated]).drop("rule")


def count_valid_by_masks(batch: Batch) -> int:
    """Count the rows that no mask marks, and the rows by mask."""
    marked = batch.bars.with_columns(**MASKS)
    marked.select(pl.col(*MASKS).sum())
    valid = marked.filter(~pl.any_horizontal(pl.col(*MASKS).fill_null(False)))
    return valid.drop(*MASKS).height


def make_pandera_validator() -> Validator:
    """Return a function that counts the valid rows of a batch with Pandera, all rules checked."""
    import pandera.polars as pa

    def row_check(name: str, holds: pl.Expr) -> Any:
        return pa.Check(lambda data: data.lazyframe.select(holds), name=name)

    price = pa.Column(
        float, [pa.Check.gt(0), pa.Check.le(MAX_PRICE)], nullable=False, required=True
    )
    session = pa.Column(pl.Date, [pa.Check.isin(SESSIONS.to_list()), pa.Check.le(LAST)])
    schema = pa.DataFrameSchema(
        {
            "ticker": pa.Column(str),
            "session_date": session,
            **dict.fromkeys(PRICES, price),
            "volume": pa.Column(int, pa.Check.ge(0), nullable=True),
        },
        checks=[
            row_check("ohlc_order", OHLC_VIOLATION.fill_null(0) <= MAX_VIOLATION),
            # its own `unique` rejects the first row of a key, too
            row_check("duplicate_bar", ~IS_REPEATED),
        ],
    )

    def count_valid(batch: Batch) -> int:
        try:
            return int(schema.validate(batch.bars, lazy=True).height)
        except pa.errors.SchemaErrors as errors:
            return batch.bars.height - int(errors.failure_cases["index"].n_unique())

    return count_valid


def make_our_validator(contract: Contract) -> Validator:
    """Return a function that counts the valid rows of a batch as the flow validates it."""

    def count_valid(batch: Batch) -> int:
        checked = validate(contract, daily_price.add_context(batch.extracted, NOW))
        assert not isinstance(checked, Refused), checked.message
        return len(checked.valid_rows)

    return count_valid


def measure_validation(tickers: int, years: int, is_broken: bool) -> list[Measured]:
    """Measure all validators on the same batches; take the better of two runs.

    Raises:
        AssertionError: The validators find other numbers of valid rows.
    """
    import great_expectations  # noqa: F401 - seconds that a running worker has behind it

    batches = make_batches(tickers, years, is_broken)
    count = sum(batch.bars.height for batch in batches)
    validators: dict[str, Validator] = {f"Polars masks, {len(MASKS)} rules": count_valid_by_masks}
    if is_installed("pandera"):
        validators[f"Pandera, the same {len(MASKS)} rules"] = make_pandera_validator()
    validators[f"ours, the same {len(MASKS)} rules"] = make_our_validator(ROW_CONTRACT)
    rules = len(daily_price.CONTRACT.rules)
    validators[f"ours, all {rules} rules of daily_price"] = make_our_validator(daily_price.CONTRACT)
    measured: list[Measured] = []
    valid: list[int] = []
    for name, validator in validators.items():
        valid.append(_count_valid(validator, batches))
        taken = min(seconds(partial(_count_valid, validator, batches)) for _ in range(REPEATS))
        baseline = measured[0].seconds if measured else taken
        kind = f"1 in {BROKEN_FRACTION:,} broken" if is_broken else "clean"
        measured.append(Measured(f"{count:,} bars, {kind}: {name}", taken, baseline, count, "bars"))
    assert len({*valid[:-1]}) == 1, f"valid rows: {dict(zip(validators, valid, strict=True))}"
    return measured


def _count_valid(validator: Validator, batches: Sequence[Batch]) -> int:
    return sum(validator(batch) for batch in batches)
