"""Find duplicate and conflicting rows of a key."""

from collections.abc import Sequence

import pandas as pd


def duplicate_rows(frame: pd.DataFrame, key: Sequence[str], values: Sequence[str]) -> pd.Series:
    """Return which rows of a repeated key must be quarantined.

    If the rows of a key agree in all values, all but the first are duplicates. If they differ, all
    are, because the reply does not show which is right.

    Returns:
        True for rows to quarantine, on the frame's index.
    """
    is_duplicate = pd.Series(False, index=frame.index)
    repeated = frame.loc[frame.duplicated([*key], keep=False), [*key, *values]]
    if repeated.empty:
        return is_duplicate
    versions = repeated.drop_duplicates()
    conflicting = versions.loc[versions.duplicated([*key], keep=False), [*key]].drop_duplicates()
    is_conflicting = pd.MultiIndex.from_frame(repeated[[*key]]).isin(
        pd.MultiIndex.from_frame(conflicting)
    )
    is_duplicate.loc[repeated.index] = is_conflicting | repeated.duplicated().to_numpy()
    return is_duplicate
