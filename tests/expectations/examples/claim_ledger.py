"""The claim ledger: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.claim_ledger import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A supported claim and one without data."""
    frame = pd.DataFrame("text", index=range(2), columns=[*CONTRACT.column_names])
    return frame.assign(
        claim_id=["one", "two"],
        verdict=["supported", "insufficient_data"],
        measured=[1.5, np.nan],
        second_measured=[np.nan, np.nan],
        as_of_date=pd.to_datetime(["2026-02-13", None]),
    )


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "reason", None),
    "value_infinite": lambda f: with_value(f, "second_measured", np.inf),
    "verdict_unknown": lambda f: with_value(f, "verdict", "perhaps"),
    "verdict_without_value": lambda f: with_value(f, "measured", np.nan),
}
