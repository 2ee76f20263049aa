"""Build frames with fixed columns and dtypes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expectations.contract import Contract

_DTYPES = {"text": "str", "double precision": "float64", "date": "datetime64[s]"}


def typed_frame(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows as a frame of exactly these columns and dtypes.

    Empty frames are typed, too: pandas would give them object columns, and a concatenation with
    them would change the dtypes of a whole batch.
    """
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.astype(dict(columns))


def concat_typed(frames: Iterable[pd.DataFrame], columns: Mapping[str, str]) -> pd.DataFrame:
    """Concatenate frames, with exactly these columns and dtypes even if there are none."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return typed_frame((), columns)
    return pd.concat(filled, ignore_index=True)[list(columns)].astype(dict(columns))


def contract_dtypes(contract: Contract) -> dict[str, str]:
    """Return the dtype of each column of a frame that a table's contract validates."""
    types = {column.name: column.sql_type for column in contract.columns}
    return {name: _DTYPES[types[name]] for name in contract.input_columns}


def stack_columns(
    parts: Sequence[Mapping[str, NDArray[Any]]], columns: Mapping[str, str]
) -> pd.DataFrame:
    """Stack parts, each with one array per column, as a frame of exactly these dtypes."""
    if not parts:
        return typed_frame((), columns)
    stacked = {name: np.concatenate([part[name] for part in parts]) for name in columns}
    return pd.DataFrame(stacked).astype(dict(columns))
