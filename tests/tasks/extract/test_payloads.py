"""Test the parsers with captured replies of the providers, if a folder of them exists."""

import gzip
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from deployments.sandbox.client import Sandbox
from tasks.extract.fred.parse import parse_fredgraph_csv, parse_releases
from tasks.extract.fred.vintages import merge_realtime_windows, vintage_windows
from tasks.extract.ishares.extract import get_fund
from tasks.extract.ishares.parse_file import parse_holdings
from tasks.extract.provider.errors import FetchError
from tasks.extract.yahoo.extract import PriceExtract, PriceRequest
from warehouse.settings import Settings

TAPES = os.environ.get("ROTATION_TEST_TAPES", "")
PAYLOADS = Path(TAPES).parent / "payloads"
needs_payloads = pytest.mark.skipif(
    not TAPES or not PAYLOADS.is_dir(),
    reason="ROTATION_TEST_TAPES is unset, or no folder of payloads lies beside the tapes",
)
needs_tapes = pytest.mark.skipif(not TAPES, reason="ROTATION_TEST_TAPES is unset")


def replay(
    sandbox: Sandbox, worker: Any, settings: Settings, name: str, ticker: str
) -> PriceExtract:
    """Extract a captured chart, which the sandbox sends in place of its own."""
    chart = json.loads((PAYLOADS / "yahoo" / name).read_text())["response"]["bodyJson"]
    where = {"host": "query2", "path": f"chart/{ticker}"}
    body = json.dumps(chart)
    sandbox.add_fault(
        "status", **where, count=2, status=200, body=body, content_type="application/json"
    )
    now = datetime(2025, 2, 20, 12, tzinfo=UTC)
    request = PriceRequest(ticker, date(2020, 1, 1))
    extract: PriceExtract = worker.call(
        "tasks.extract.yahoo.extract:extract_prices", [request], now, settings
    )
    sandbox.clear_faults()
    return extract


@needs_payloads
def test_yahoo_reply_with_a_split(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    name = "historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json"
    batch = replay(sandbox, worker, settings, name, "NVDA")
    assert batch.fetches["status"].item() == "loaded"
    assert len(batch.bars) == 252
    close = batch.bars.set_index("session_date")["close"]
    # Closed at 751.19 on 19 July 2021, before the split of 4:1. The reply is of 2025 and its window
    # ends in 2022, so the 10:1 of June 2024 is applied in it and cannot be undone: requests
    # therefore run to today. Yahoo's floats are single precision.
    assert close["2021-07-19"] == pytest.approx(75.119, rel=1.2e-7)
    assert close["2021-07-20"] == pytest.approx(18.612, rel=1.2e-6)
    splits = batch.actions.query("kind == 'split'")
    assert list(splits["value"]) == [4.0]


@needs_payloads
def test_yahoo_reply_starting_with_a_split(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    name = "chart-AAPL-2020-08-31-to-2020-11-07.json"
    batch = replay(sandbox, worker, settings, name, "AAPL")
    assert len(batch.bars) == 49
    assert batch.bars["close"].iloc[0] == pytest.approx(129.04, rel=1.2e-7)
    assert batch.bars["volume"].iloc[0] == 225_702_700
    events = batch.actions.assign(ex_date=batch.actions["ex_date"].astype(str))
    assert events[["ex_date", "kind", "value"]].to_dict("records") == [
        {"ex_date": "2020-08-31", "kind": "split", "value": 4.0},
        {"ex_date": "2020-11-06", "kind": "dividend", "value": 0.205},
    ]


@needs_payloads
def test_windows_return_all_vintages_of_gdp() -> None:
    captured = PAYLOADS / "fred_json" / "observations_GDP_all_vintages.json.gz"
    body = json.loads(json.loads(gzip.decompress(captured.read_bytes()))["response"]["body"])
    expected_rows = pd.DataFrame(body["observations"])
    expected_rows["value"] = pd.to_numeric(expected_rows["value"].replace(".", None))
    vintages = {date.fromisoformat(day) for day in expected_rows["realtime_start"]}
    parts = []
    for window in vintage_windows(vintages, None, size=17):
        start, end = window.start.isoformat(), window.end.isoformat()
        sent = expected_rows[
            (expected_rows["realtime_start"] <= end) & (expected_rows["realtime_end"] >= start)
        ]
        clipped = sent["realtime_start"].where(sent["realtime_start"] >= start, start)
        parts.append((window, sent.assign(realtime_start=clipped)))
    rows = parse_releases("GDP", merge_realtime_windows(parts))
    assert len(rows) == len(expected_rows) == 3199
    keys = ["observation_date", "vintage_date"]
    expected = parse_releases("GDP", expected_rows).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(rows.sort_values(keys, ignore_index=True), expected)
    assert (rows["missing_reason"] == "not_observed").sum() == 245


@needs_tapes
@pytest.mark.parametrize(("fund", "members", "excluded"), [("IWM", 1926, 15), ("IVV", 503, 5)])
def test_captured_holdings_files(fund: str, members: int, excluded: int) -> None:
    file = Path(TAPES) / "real-2024" / "holdings" / fund / "2023-11-17.csv"
    row = get_fund(fund)
    holdings = parse_holdings(file.read_bytes(), row)
    assert (len(holdings.members), len(holdings.excluded)) == (members, excluded)
    assert holdings.members["ticker"].is_unique
    assert int(row["expected_min_members"]) <= members <= int(row["expected_max_members"])
    assert holdings.members["weight_pct"].sum() == pytest.approx(100)
    spelled = holdings.members.query("ticker != file_ticker")["ticker"]
    assert set(spelled) == {"IWM": {"MOG-A", "GEF-B", "CRD-A"}, "IVV": {"BRK-B", "BF-B"}}[fund]


def test_keyless_csv_of_old_and_new_layout() -> None:
    for header in ("DATE", "observation_date"):
        rows = parse_fredgraph_csv(
            "DGS10", f"{header},DGS10\n2024-07-03,4.36\n2024-07-04,.\n2024-07-05,\n"
        )
        assert rows["value"].fillna(-1).tolist() == [4.36, -1, -1]
    for text in ("", "PK\x03\x04", "observation_date,DGS2\n", "DATE,DGS10\nsoon,1\n"):
        with pytest.raises(FetchError) as caught:
            parse_fredgraph_csv("DGS10", text)
        assert caught.value.reason == "not_csv"
