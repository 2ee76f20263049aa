"""From SEC replies to the refinancing wall: one daily run against the simulated accounts."""

from datetime import date

import polars as pl

QUARTER_END = date(2025, 12, 31)


def test_a_daily_run_gives_the_debt_of_companies(completed_daily_run, market):
    rows = completed_daily_run.rows(
        "select cik, period_end, total_debt_usd from published.company_refinancing"
        " where as_of_date = %s",
        QUARTER_END,
    )
    truth = pl.read_csv(
        market.folder / "truth_refinancing.csv", try_parse_dates=True, infer_schema_length=None
    )
    debts = {
        (row["cik"], row["period_end"]): row["total_debt_usd"]
        for row in truth.filter(pl.col("filed") < QUARTER_END).iter_rows(named=True)
    }
    assert len(rows) >= 5
    for cik, period_end, total in rows:
        # who owes nothing files no tag of debt: unknown, not nothing
        assert (total or 0.0) == debts[cik, period_end]


def test_the_wall_stands_beside_its_coverage(completed_daily_run):
    walls = completed_daily_run.rows(
        "select index_code, sum(principal_usd), min(ladder_total_usd), min(debt_coverage_pct),"
        " max(members) from published.refinancing_wall"
        " where as_of_date = %s and sector = 'All' group by index_code",
        QUARTER_END,
    )
    assert {row[0] for row in walls} >= {"R2000", "SP500"}
    for _, principal, total, coverage, members in walls:
        assert round(principal, 2) == round(total, 2)
        assert 0 < coverage <= 100
        assert members > 0


def test_zombies_differ_from_unknown_companies(completed_daily_run):
    answers = completed_daily_run.rows(
        "select definition, is_zombie, missing_reason is null, count(*)"
        " from published.zombie_status group by 1, 2, 3"
    )
    assert len({row[0] for row in answers}) == 7
    assert all((answer is not None) == no_reason for _, answer, no_reason, _ in answers)
