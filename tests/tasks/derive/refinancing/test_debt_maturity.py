"""Ladders in the warehouse: those that companies filed, in the windows that they meant."""

import gzip
import json
from datetime import date

import pytest

from expectations.tables.debt_maturity import BUCKETS as PUBLISHED
from tasks.derive.refinancing import debt_maturity
from tests.tasks.derive.filings import BUCKETS, LADDER, Filers, fact, ladder, read_filer

MARVELL, APPLE, ORGANON, RITHM = 1835632, 320193, 1821825, 1556593


@pytest.fixture
def filers(house):
    return Filers(house)


def published(filers, cik, columns="*"):
    return filers.house.read(
        f"select {columns} from published.debt_maturity where cik = {cik}"
        " order by filed_date, accession_number, period_end, bucket"
    )


def test_marvells_quarterly_ladders_land_in_the_right_years(filers, tapes):
    """The notes due in 2028 (749.9, 4.875 %, and 500) stay in fiscal 2029 in every report."""
    filers.load_facts(MARVELL, read_filer(tapes, MARVELL))
    filers.derive()
    rows = published(filers, MARVELL).to_dicts()
    windows = {
        (str(row["period_end"]), row["bucket"]): (
            str(row["window_start"]),
            str(row["window_end"]),
            row["amount_usd"],
        )
        for row in rows
    }
    # 10-K of 2024-02-03: year_1 is fiscal 2025
    assert windows["2024-02-03", "year_1"] == ("2024-02-04", "2025-02-03", 109.4e6)
    assert windows["2024-02-03", "year_5"] == ("2028-02-04", "2029-02-03", 1249.9e6)
    # 10-Qs of that year: the rest of fiscal 2025 is the remainder, and the notes are year_4
    for end, rest in (("2024-05-04", 87.5e6), ("2024-08-03", 65.6e6), ("2024-11-02", 32.8e6)):
        assert windows[end, "remainder"][1:] == ("2025-02-03", rest)
        assert windows[end, "year_1"] == ("2025-02-04", "2026-02-03", 131.2e6)
        assert windows[end, "year_4"] == ("2028-02-04", "2029-02-03", 1249.9e6)
    # the next 10-K, a 52-week year: year_4 again, counted from its own end
    assert windows["2025-02-01", "year_4"] == ("2028-02-02", "2029-02-01", 1249.9e6)
    layouts = {(row["form"], row["layout"], row["is_partial"]) for row in rows}
    assert layouts == {("10-K", "annual", False), ("10-Q", "next_year", True)}


def test_every_ladder_is_there_as_filed(filers, tapes):
    """Against a reading of the files that knows nothing but the tags' names."""
    folder = tapes / "real-2024" / "companyfacts"
    expected, filed = set(), {}
    for path in sorted(folder.glob("*.gz")):
        cik = int(path.name[3:13])
        filed[cik] = read_filer(tapes, cik)
        reply = json.loads(gzip.decompress(path.read_bytes()))["facts"].get("us-gaap", {})
        for bucket, name in BUCKETS.items():
            for row in reply.get(LADDER + name, {"units": {"USD": []}})["units"]["USD"]:
                expected.add((cik, row["end"], bucket, row["accn"], float(row["val"])))
    filers.load_all(filed)
    filers.house.derive(debt_maturity)
    found = filers.house.read(
        "select cik, period_end::text, bucket, accession_number, amount_usd"
        " from published.debt_maturity where bucket <> 'short_term'"
    )
    assert set(found.iter_rows()) == expected
    assert found.height == len(expected) > 2000
    assert set(found["bucket"]) <= set(PUBLISHED)
    undated = filers.house.read(
        "select distinct cik from published.debt_maturity where window_start is null"
    )
    assert undated.is_empty()


def test_apples_commercial_paper_is_beside_its_ladder(filers, tapes):
    """As the balance sheets of its annual reports have it, in millions."""
    filers.load_facts(APPLE, read_filer(tapes, APPLE))
    filers.derive()
    rows = filers.house.read(
        "select period_end::text, amount_usd, window_start - period_end, window_end::text"
        f" from published.debt_maturity where cik = {APPLE} and bucket = 'short_term'"
        " and form = '10-K' and period_end > '2019-01-01' order by 1"
    )
    assert rows.rows() == [
        ("2019-09-28", 5_980e6, 1, "2020-09-28"),
        ("2020-09-26", 4_996e6, 1, "2021-09-26"),
        ("2021-09-25", 6_000e6, 1, "2022-09-25"),
        ("2022-09-24", 9_982e6, 1, "2023-09-24"),
        ("2023-09-30", 5_985e6, 1, "2024-09-30"),
        ("2024-09-28", 9_967e6, 1, "2025-09-28"),
        ("2025-09-27", 7_979e6, 1, "2026-09-27"),
    ]


def test_a_remainder_called_a_year_is_dated_by_the_annual_ladder(filers, tapes):
    """Organon's 10-Qs of 2023 file the rest of the year under the first year's tag."""
    filers.load_facts(ORGANON, read_filer(tapes, ORGANON))
    filers.derive()
    rows = {(str(r["period_end"]), r["bucket"]): r for r in published(filers, ORGANON).to_dicts()}
    first = rows["2023-06-30", "year_1"]
    assert first["layout"] == "current_year"
    assert first["window_end"] == date(2023, 12, 31)
    assert rows["2023-06-30", "year_2"]["window_start"] == date(2024, 1, 1)
    assert rows["2024-06-30", "year_1"]["window_start"] == date(2025, 1, 1)


def test_an_amendment_stands_beside_what_it_amends(filers):
    amounts = {"year_1": 10.0, "year_2": 20.0}
    filers.load_facts(1, ladder("2022-12-31", amounts, filed="2023-02-20"))
    filers.derive()
    again = ladder("2022-12-31", {"year_1": 12.0}, filed="2023-06-01", form="10-K/A")
    filers.load_facts(1, again)
    filers.derive()
    rows = published(filers, 1, "bucket, amount_usd, form, known_from::text").rows()
    assert rows == [
        ("year_1", 10.0, "10-K", "2023-02-21"),
        ("year_2", 20.0, "10-K", "2023-02-21"),
        ("year_1", 12.0, "10-K/A", "2023-06-02"),
    ]


def test_a_filer_without_a_ladder_has_no_rows(filers):
    filers.load_facts(1, [fact("LongTermDebt", "2022-12-31", 90.0)])
    filers.derive()
    assert published(filers, 1).is_empty()
    before = filers.checksums()
    filers.derive()
    filers.rebuild()
    assert filers.checksums() == before
