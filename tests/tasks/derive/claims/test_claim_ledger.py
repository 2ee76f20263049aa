"""Claims of early 2026 on a winter whose figures are made up, and on the real one before it."""

from datetime import date

import pandas as pd
import polars as pl
import pytest

from expectations.tables import macro_observation
from tasks.derive.claims import claim_ledger
from tasks.derive.claims.claim_ledger import judge_claim
from tasks.derive.rotation import rotation_metrics
from tests.tasks.derive.filings import Filers, fact
from tests.tasks.derive.pipeline import House
from warehouse.connect.connections import connect
from warehouse.query_file import QueryFile
from warehouse.settings import Settings

FLAT = ("SPY", "AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA")
HEADER = {
    "statement": "It rose.",
    "said": "somewhere",
    "measure": "return",
    "unit": "percent",
    "supported if": "it rose",
    "contradicted if": "it did not",
}
CLAIM = QueryFile("rise", HEADER, "select 1")


def witness(name="IWM", *, is_met, measured=1.0):
    return {
        "witness": name,
        "measured": measured,
        "is_met": is_met,
        "reason": f"{name} moved.",
        "as_of_date": date(2026, 2, 13),
    }


@pytest.mark.parametrize(
    ("rows", "verdict", "reason"),
    [
        ([], "insufficient_data", "The query returns no row."),
        ([witness(is_met=None, measured=None)], "insufficient_data", "IWM moved."),
        ([witness(is_met=True)], "supported", "IWM moved."),
        ([witness(is_met=False)], "contradicted", "IWM moved."),
        (
            [witness(is_met=True), witness("^RUT", is_met=False)],
            "supported",
            "IWM moved. ^RUT disagrees: ^RUT moved.",
        ),
        (
            [witness(is_met=None, measured=None), witness("^RUT", is_met=True)],
            "insufficient_data",
            "IWM moved.",
        ),
    ],
)
def test_first_witness_decides(rows, verdict, reason):
    found = judge_claim(CLAIM, rows)
    assert (found["verdict"], found["reason"]) == (verdict, reason)


def test_claim_that_cannot_be_measured_says_why():
    claim = QueryFile("revenue", HEADER | {"not measurable": "No data."}, "select 1")
    assert judge_claim(claim, [])["verdict"] == "not_measurable"
    found = judge_claim(claim, [witness(is_met=None)])
    assert (found["verdict"], found["reason"]) == ("not_measurable", "No data. IWM moved.")


def closes_of_winter(sessions):
    """Closes by ticker: IWM is ahead 13 times in January, falls back, and jumps in February."""
    january = [day for day in sessions if day >= date(2026, 1, 2)][:13]
    last = date(2026, 2, 13)
    closes = {ticker: dict.fromkeys(sessions, 100.0) for ticker in FLAT}
    ahead = {day: 100 + 0.1 * place for place, day in enumerate(january, 1)}
    closes["IWM"] = dict.fromkeys(sessions, 100.0) | ahead | {last: 118.0}
    jumps = {"KRE": 120.0, "XBI": 110.0, "KEY": 106.0, "WAL": 107.0, "VKTX": 109.0}
    for ticker, close in jumps.items():
        closes[ticker] = {day: close if day == last else 100.0 for day in sessions}
    return closes


def macro_frame():
    """Policy rate, prices, curve and dollar as `(series, observation day, vintage day, value)`."""
    steps = [("2025-08-29", 4.5), ("2025-09-18", 4.25), ("2025-10-30", 4.0), ("2025-12-11", 3.75)]
    rows = [("DFEDTARU", day, day, value) for day, value in steps]
    rows += [("DFEDTARU", "2026-01-30", "2026-01-30", 3.75)]
    rows += [
        ("CPIAUCNS", "2025-01-01", "2025-02-12", 100.0),
        ("CPIAUCNS", "2026-01-01", "2026-02-11", 102.5),
        # a revision after the release changes nothing
        ("CPIAUCNS", "2026-01-01", "2026-03-11", 104.0),
    ]
    for place, day in enumerate(pd.bdate_range("2025-10-01", periods=64)):
        rows.append(("T10Y2Y", day, day, -0.1 if place == 0 else 0.5))
        rows.append(("DTWEXBGS", day, day, 100.0 if place < 63 else 102.0))
    frame = pd.DataFrame(
        rows, columns=["series_id", "observation_date", "vintage_date", "value"]
    ).assign(missing_reason=None, source="test")
    for name in ("observation_date", "vintage_date"):
        frame[name] = pd.to_datetime(frame[name])
    return frame


# claim to verdict and measured value, by hand from the closes and observations above
VERDICTS = {
    "week_18pct": ("supported", 18.0),
    "record_high_feb": ("supported", 1.3),
    "flat_january": ("supported", 0.0),
    "streak_13": ("supported", 13.0),
    "mag7_stalled": ("supported", 0.0),
    "banks_lead": ("supported", 2.0),
    "biotech_lead": ("contradicted", -8.0),
    # above 5 %, and less than IWM
    "jumps_feb": ("contradicted", 6.0),
    "cuts_since_late_2025": ("supported", -75.0),
    "funds_3_5": ("contradicted", 3.75),
    "cpi_jan_release": ("supported", 2.5),
    "curve_normalised": ("supported", 0.5),
    "dollar_weakens": ("contradicted", 2.0),
    "domestic_revenue": ("not_measurable", None),
    "unprofitable_30_40": ("insufficient_data", None),
    "wall_refinanced": ("insufficient_data", None),
}


def test_verdicts_of_a_winter_with_known_figures(settings: Settings) -> None:
    house = House(settings)
    with connect(settings) as connection:
        sessions = [
            day
            for (day,) in connection.execute(
                "select session_date from core.session"
                " where session_date between '2025-10-01' and '2026-02-13' order by 1"
            ).fetchall()
        ]
    closes = closes_of_winter(sessions)
    bars = [(t, day, close, 1000) for t, days in closes.items() for day, close in days.items()]
    house.load_prices(bars)
    house.load((macro_observation.CONTRACT, macro_frame()))
    house.derive(rotation_metrics, claim_ledger)
    ledger = house.read("select * from derived.claim_ledger")
    found = {row["claim_id"]: row for row in ledger.iter_rows(named=True)}
    for claim_id, (verdict, measured) in VERDICTS.items():
        row = found[claim_id]
        assert (row["verdict"], row["measured"]) == (verdict, pytest.approx(measured)), row[
            "reason"
        ]
    assert "^RUT" in found["week_18pct"]["second_witness"]
    # a changed close changes the verdict, and the earlier verdict stays in history
    house.load_prices([("IWM", date(2026, 2, 13), 110.0, 1000)])
    house.derive(rotation_metrics, claim_ledger)
    changes = house.read(
        "select verdict, previous_verdict, measured from published.claim_verdict"
        " where claim_id = 'week_18pct' order by changed_at"
    )
    assert changes.rows() == [
        ("supported", None, pytest.approx(18.0)),
        ("contradicted", "supported", pytest.approx(10.0)),
    ]


def test_real_record_before_2026(settings: Settings, tapes) -> None:
    """IWM's longest run ahead of SPY is 13 sessions, to 2008-06-06; January 2026 is not there."""
    house = House(settings)
    bars = pl.read_parquet(tapes / "real-etf" / "bars.parquet").filter(
        pl.col("ticker").is_in(["IWM", "SPY"])
    )
    house.load_prices(bars.select("ticker", "session_date", "close", "volume").rows())
    house.derive(rotation_metrics, claim_ledger)
    (row,) = house.read("select * from derived.claim_ledger where claim_id = 'streak_13'").rows(
        named=True
    )
    assert row["verdict"] == "insufficient_data"
    assert "the newest session is 2025-12-31" in row["reason"]
    assert "13 sessions, ended 2008-06-06" in row["reason"]


def test_share_of_loss_makers_by_count_and_weight(house: House) -> None:
    """T2 alone loses money; T4 never filed, and T3's second class is not its company's ticker."""
    filers, start, end = Filers(house), "2022-01-01", "2022-12-31"
    filers.load_all(
        {
            cik: [fact("NetIncomeLoss", end, income, start=start), fact("Assets", end, 100.0)]
            for cik, income in ((1, 20.0), (2, -5.0), (3, 30.0))
        }
    )
    filers.load_tickers({"T1": 1, "T2": 2, "T3": 3, "T3B": 3})
    weights = {"T1": 2.0, "T2": 1.0, "T3": 2.0, "T3B": 1.0, "T4": 1.0}
    members = [(ticker, "Energy", weight) for ticker, weight in weights.items()]
    # the snapshot in force on 2023-03-31 is neither the first nor the last
    house.load_snapshot("R2000", date(2020, 1, 2), [("T4", "Energy", 1.0)])
    house.load_snapshot("R2000", date(2022, 1, 3), members)
    house.load_snapshot("R2000", date(2023, 4, 3), [("T4", "Energy", 1.0)])
    house.load_prices([("T1", date(2023, 3, 31), 10.0, 1)])
    filers.derive()
    house.derive(claim_ledger)
    rows = house.read(
        "select ticker, cik, is_unprofitable, membership_as_of, is_backcast"
        " from published.index_company where as_of_date = '2023-03-31' order by ticker"
    ).rows()
    snapshot = (date(2022, 1, 2), False)
    assert rows == [
        ("T1", 1, False, *snapshot),
        ("T2", 2, True, *snapshot),
        ("T3", 3, False, *snapshot),
        ("T3B", None, None, *snapshot),
        ("T4", None, None, *snapshot),
    ]
    (row,) = house.read(
        "select * from published.claim_ledger where claim_id = 'unprofitable_30_40'"
    ).rows(named=True)
    # 1 of 3 known of 5; by weight 1 of 5 known of 7
    assert (row["verdict"], row["measured"]) == ("supported", pytest.approx(100 / 3))
    assert row["second_measured"] == pytest.approx(20.0)
