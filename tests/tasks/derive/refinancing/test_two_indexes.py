"""A company with two share classes in two indexes, from facts to published rows."""

from datetime import date

from tests.tasks.derive.debt.test_filer_habits import ASSETS, END, WHOLE
from tests.tasks.derive.filings import Filers, fact, ladder


def test_company_in_two_indexes_with_two_share_classes_has_one_row(house):
    """Its row has the first index and the larger line; both walls count it once."""
    filers = Filers(house)
    filers.load_tickers({"BIG-A": 7, "BIG-B": 7})
    lines = [("BIG-A", "Energy", 1.0), ("BIG-B", "Energy", 2.0)]
    house.load_snapshot("R2000", date(2022, 6, 30), lines)
    house.load_snapshot("SP500", date(2022, 6, 30), lines)
    house.load_prices([("BIG-A", date(2023, 4, 3), 10.0, 5)])
    filers.load_facts(7, [ASSETS, fact("LongTermDebt", END, 210.0), *ladder(END, WHOLE)])
    filers.derive()
    rows = house.read(
        "select cik, ticker, index_code, total_debt_usd from published.company_refinancing"
        " where as_of_date = '2023-03-31'"
    )
    assert rows.rows() == [(7, "BIG-B", "R2000", 210.0)]
    walls = house.read(
        "select index_code, sector, sum(principal_usd) as owed, max(companies) as companies,"
        " max(members) as members, max(debt_coverage_pct) as covered"
        " from published.refinancing_wall where as_of_date = '2023-03-31'"
        " group by 1, 2 order by 1, 2"
    )
    assert walls.rows() == [
        (index, sector, 210.0, 1, 1, 100.0)
        for index in ("R2000", "SP500")
        for sector in ("All", "Energy")
    ]
