"""The reference tables that extractors read, as text."""

from functools import cache
from importlib.resources import files

import pandas as pd


@cache
def read_reference(name: str) -> pd.DataFrame:
    """A table of `warehouse/reference`, every cell as text; treat it as read-only.

    Args:
        name: The file's name without `.csv`.
    """
    with files("warehouse").joinpath("reference", f"{name}.csv").open(encoding="utf-8") as text:
        return pd.read_csv(text, dtype=str, keep_default_na=False)
