"""Rows that a reply repeats, and which of them can be believed."""

from collections.abc import Sequence

import pandas as pd


def duplicate_rows(frame: pd.DataFrame, key: Sequence[str], values: Sequence[str]) -> pd.Series:
    """Which rows of a repeated key must be set aside.

    Where the repeats agree in every value, the first one stands and the others are surplus. Where
    they differ, all are: nothing in the reply says which one is right.

    Returns:
        True per surplus row, on the frame's index.
    """
    surplus = pd.Series(False, index=frame.index)
    repeated = frame.loc[frame.duplicated([*key], keep=False), [*key, *values]]
    if repeated.empty:
        return surplus
    versions = repeated.drop_duplicates()
    disputed = versions.loc[versions.duplicated([*key], keep=False), [*key]].drop_duplicates()
    is_conflicting = pd.MultiIndex.from_frame(repeated[[*key]]).isin(
        pd.MultiIndex.from_frame(disputed)
    )
    surplus.loc[repeated.index] = is_conflicting | repeated.duplicated().to_numpy()
    return surplus
