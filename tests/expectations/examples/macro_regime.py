"""The macro regime: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A session after the cuts of 2025, and one before any release."""
    row = {
        "session_date": pd.Timestamp("2025-12-18"),
        "cpi_reference_month": pd.Timestamp("2025-11-01"),
        "cpi_yoy_pct": 2.74,
        "core_cpi_reference_month": pd.Timestamp("2025-11-01"),
        "core_cpi_yoy_pct": 2.63,
        "cpi_adjusted_reference_month": pd.Timestamp("2025-11-01"),
        "cpi_mom_pct": np.nan,
        "cpi_3m_annualised_pct": 2.08,
        "cpi_missing_reason": "m/m of 2025-11: 2025-10 never published",
        "fed_funds_pct": 3.64,
        "target_upper_pct": 3.75,
        "real_fed_funds_pct": 1.01,
        "t10y2y_pct": 0.66,
        "t10y3m_pct": 0.5,
        "curve_sessions_since_inversion": 320,
        "hy_oas_pct": 2.95,
        "dollar_change_63": -0.01,
        "unemployment_reference_month": pd.Timestamp("2025-11-01"),
        "unemployment_pct": 4.6,
        "claims_4wk_avg": 217500.0,
        "gdp_reference_quarter": pd.Timestamp("2025-04-01"),
        "gdp_growth_pct": 3.8,
        "gdp_yoy_pct": 2.1,
        "bp_from_cycle_peak": -175.0,
        "cuts_in_cycle": 6,
        "policy_phase": "easing",
    }
    bare = dict.fromkeys(row) | {"session_date": pd.Timestamp("1990-01-03")}
    return pd.DataFrame([row, bare])


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "session_date", pd.NaT, row=1),
    "value_infinite": lambda f: with_value(f, "dollar_change_63", np.inf),
    "cpi_yoy_out_of_range": lambda f: with_value(f, "cpi_yoy_pct", 274.0),
    "cpi_3m_out_of_range": lambda f: with_value(f, "cpi_3m_annualised_pct", -80.0),
    "cycle_peak_below_target": lambda f: with_value(f, "bp_from_cycle_peak", 25.0),
    "cuts_negative": lambda f: with_value(f, "cuts_in_cycle", -1),
    "inversion_count_negative": lambda f: with_value(f, "curve_sessions_since_inversion", -1),
    "phase_unknown": lambda f: with_value(f, "policy_phase", "tightening"),
    "cpi_missing_without_reason": lambda f: with_value(f, "cpi_missing_reason", None),
    "reference_in_future": lambda f: with_value(
        f, "unemployment_reference_month", pd.Timestamp("2025-12-01")
    ),
}
