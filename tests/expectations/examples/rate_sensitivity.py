"""Betas to yields: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A fund with full windows, and a sector at its beginning."""
    row: dict[str, object] = {
        "subject": "XLF",
        "session_date": pd.Timestamp("2025-12-17"),
        "kind": "fund",
        "window_end": pd.Timestamp("2025-12-15"),
        "is_backcast": None,
    }
    for name in ("dgs2", "dgs10"):
        for n in (63, 252):
            row |= {f"beta_{name}_{n}_pct": 1.5, f"se_{name}_{n}_pct": 0.4, f"n_{name}_{n}": n}
    bare = dict.fromkeys(row) | {name: 0 for name in row if name.startswith("n_")}
    bare |= {
        "subject": "R2000/Energy",
        "kind": "index_sector",
        "session_date": pd.Timestamp("2023-11-20"),
    }
    floats = {name: float for name in row if name.startswith(("beta", "se_"))}
    return pd.DataFrame([row, bare]).astype(floats)


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "subject", None),
    "value_infinite": lambda f: with_value(f, "beta_dgs2_63_pct", np.inf),
    "kind_unknown": lambda f: with_value(f, "kind", "share"),
    "error_inconsistent": lambda f: with_value(f, "se_dgs10_252_pct", np.nan),
    "pairs_out_of_range": lambda f: with_value(f, "n_dgs2_63", 62),
    "window_ends_late": lambda f: with_value(f, "window_end", pd.Timestamp("2025-12-18")),
}
