"""Read the files of a tape with the required columns and types."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from warehouse.base_error import RotationError

Columns = Mapping[str, pl.DataType | type[pl.DataType]]


class TapeError(RotationError):
    """Raised when a tape is missing or invalid; the message names the fix."""


def read_columns(file: Path, required: Columns, optional: Columns | None = None) -> pl.DataFrame:
    """Read a CSV or Parquet file of a tape.

    Args:
        file: The file; no rows when it is absent.
        required: The columns that it must have.
        optional: Those that are null when it lacks them.

    Returns:
        The columns in the order given, other ones left out.

    Raises:
        TapeError: When the file lacks a column or cannot be read as these types.
    """
    optional = optional or {}
    schema = {**required, **optional}
    if not file.is_file():
        return pl.DataFrame(schema=schema)
    try:
        is_csv = file.suffix == ".csv"
        frame = pl.read_csv(file, infer_schema=False) if is_csv else pl.read_parquet(file)
        missing = [column for column in required if column not in frame.columns]
        if missing:
            raise TapeError(f"{file} lacks the columns {missing}. Write the tape again.")
        absent = [column for column in optional if column not in frame.columns]
        frame = frame.with_columns(pl.lit(None, pl.String).alias(column) for column in absent)
        return frame.select(_cast(frame, column, dtype) for column, dtype in schema.items())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TapeError(f"{file} cannot be read: {error}. Write the tape again.") from error


def _cast(frame: pl.DataFrame, column: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    stored = frame.schema[column]
    if dtype == pl.Date and stored == pl.String:
        return pl.col(column).str.to_date("%Y-%m-%d")
    if isinstance(dtype, pl.Datetime) and getattr(stored, "time_zone", None) is None:
        # A day stands for its midnight in UTC; a naive instant is one of UTC.
        return pl.col(column).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.col(column).cast(dtype)
