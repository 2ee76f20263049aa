"""Verdicts on small inputs of 2026 whose figures are known by hand.

Each case is written into the tables that a query reads, and is gone after it.
"""

from datetime import date
from typing import Any

import pytest
from psycopg import Connection

from tasks.derive.claims.claim_ledger import judge_claim
from tests.warehouse.claims.tables import (
    BEFORE,
    DECEMBER,
    JANUARY,
    SECTORS,
    WEEK_END,
    Tables,
    biotech,
    breadth,
    closes,
    companies,
    cpi,
    daily,
    five_years,
    floating,
    forecast,
    januaries,
    joined,
    junk,
    losses,
    moves,
    observed,
    policy,
    rates_lagging,
    sectors,
    seven,
    streaks,
    valuations,
    wall,
    week,
    zombies,
)
from warehouse.claims import claims

# claim, verdict, measured value, input
CASES: list[tuple[str, str, float | None, Tables]] = [
    ("week_18pct", "supported", 17.6, week(17.6)),
    ("week_18pct", "contradicted", 17.4, week(17.4)),
    ("week_18pct", "insufficient_data", None, moves(BEFORE, date(2026, 2, 12), IWM=18)),
    # no close of the week before
    ("week_18pct", "insufficient_data", None, moves(JANUARY, WEEK_END, IWM=18)),
    ("record_high_feb", "supported", 1, moves(DECEMBER, date(2026, 2, 12), IWM=1)),
    ("record_high_feb", "contradicted", -1, moves(DECEMBER, date(2026, 2, 12), IWM=-1)),
    ("record_high_feb", "insufficient_data", None, moves(DECEMBER, JANUARY, IWM=5)),
    ("flat_january", "supported", -0.9, moves(DECEMBER, JANUARY, IWM=-0.9)),
    ("flat_january", "contradicted", 5.3, moves(DECEMBER, JANUARY, IWM=5.3)),
    ("flat_january", "insufficient_data", None, moves(DECEMBER, BEFORE, IWM=0)),
    ("streak_13", "supported", 13, streaks({date(2008, 6, 6): 13, JANUARY: 13})),
    ("streak_13", "contradicted", 13, streaks({date(2008, 6, 6): 14, JANUARY: 13})),
    ("streak_13", "contradicted", 12, streaks({date(2008, 6, 6): 9, JANUARY: 12})),
    # the run of February is none of January's
    ("streak_13", "contradicted", 2, streaks({DECEMBER: 1, JANUARY: 2, WEEK_END: 13})),
    ("streak_13", "insufficient_data", None, streaks({date(2026, 1, 29): 13})),
    ("cpi_jan_release", "supported", 2.5, cpi(102.5)),
    ("cpi_jan_release", "contradicted", 2.4, cpi(102.4)),
    ("cpi_jan_release", "contradicted", 2.5, cpi(102.5, released=WEEK_END)),
    ("cpi_jan_release", "insufficient_data", None, observed(CPIAUCNS={date(2025, 12, 1): 1.0})),
    ("cuts_since_late_2025", "supported", -75, policy(3.75)),
    ("cuts_since_late_2025", "contradicted", 25, policy(4.75)),
    ("cuts_since_late_2025", "insufficient_data", None, policy(3.75, date(2025, 9, 1))),
    ("funds_3_5", "supported", 3.5, observed(DFEDTARU={WEEK_END: 3.5})),
    ("funds_3_5", "contradicted", 3.75, observed(DFEDTARU={WEEK_END: 3.75})),
    ("funds_3_5", "insufficient_data", None, observed(DFEDTARU={DECEMBER: 3.5})),
    ("curve_normalised", "supported", 0.6, observed(T10Y2Y=daily(-0.1, *[0.5] * 62, 0.6))),
    ("curve_normalised", "contradicted", 0.4, observed(T10Y2Y=daily(0.5, *[0.5] * 62, 0.4))),
    ("curve_normalised", "contradicted", -0.1, observed(T10Y2Y=daily(-0.5, *[0.5] * 62, -0.1))),
    ("curve_normalised", "insufficient_data", 0.5, observed(T10Y2Y=daily(*[0.5] * 63))),
    ("dollar_weakens", "supported", 1, observed(DTWEXBGS=daily(*[100.0] * 63, 101.0))),
    ("dollar_weakens", "contradicted", 2, observed(DTWEXBGS=daily(*[100.0] * 63, 102.0))),
    ("dollar_weakens", "insufficient_data", None, observed(DTWEXBGS=daily(*[100.0] * 63))),
    # of 400 known: 300 x 56 %
    ("floating_share_small", "supported", 42, floating(0.56)),
    ("floating_share_small", "contradicted", 30, floating(0.4)),
    ("floating_share_small", "insufficient_data", None, floating(None)),
    ("floating_share_large", "supported", 9, floating(0.12, "SP500")),
    ("floating_share_large", "contradicted", 30, floating(0.4, "SP500")),
    ("floating_share_large", "insufficient_data", None, floating(0.12)),
    ("wall_refinanced", "supported", 75, wall(repaid=15)),
    ("wall_refinanced", "contradicted", 25, wall(repaid=45)),
    ("wall_refinanced", "insufficient_data", None, companies({"total_debt_usd": 1.0})),
    ("unprofitable_30_40", "supported", 40, losses(2, 3)),
    ("unprofitable_30_40", "contradicted", 25, losses(1, 3)),
    ("unprofitable_30_40", "insufficient_data", 40, losses(2, 3, unknown=4)),
    ("zombies", "supported", 50, zombies(True, False)),
    ("zombies", "contradicted", 0, zombies(False, False)),
    ("zombies", "contradicted", 100, zombies(True, True)),
    ("zombies", "insufficient_data", 100, zombies(True, None)),
    ("sp600_filters", "supported", 20, joined(losses(2, 3), losses(1, 4, 0, "SP600"))),
    ("sp600_filters", "contradicted", 25, joined(losses(2, 3), losses(1, 3, 0, "SP600"))),
    ("sp600_filters", "insufficient_data", None, losses(2, 3)),
    ("cuts_lift_earnings", "supported", 1, rates_lagging(1)),
    ("cuts_lift_earnings", "contradicted", 3, rates_lagging(3)),
    ("cuts_lift_earnings", "insufficient_data", None, companies({"effective_rate": 0.05})),
    ("pe_gap_21_12", "not_measurable", 9, valuations(9)),
    ("pe_gap_25_16", "not_measurable", 18, valuations(9)),
    ("domestic_revenue", "not_measurable", None, {}),
    # mean 1, standard deviation the root of 12; the newest is 11 / 3.46 above
    ("pe_gap_2_sigma", "supported", 11 / 12**0.5, valuations(*[0.0] * 11, 12.0)),
    ("pe_gap_2_sigma", "contradicted", -1 / 12**0.5, valuations(12.0, *[0.0] * 11)),
    ("pe_gap_2_sigma", "insufficient_data", None, valuations(*[0.0] * 10, 12.0)),
    ("sector_weights", "supported", 0, sectors(SECTORS)),
    ("sector_weights", "contradicted", 2, sectors(SECTORS | {"Health Care": 13})),
    ("sector_weights", "insufficient_data", None, sectors(SECTORS, "SP500")),
    ("sector_weights_large", "supported", 40, sectors({"Communication": 10,
                                                       "Information Technology": 30}, "SP500")),
    ("sector_weights_large", "contradicted", 45, sectors({"Communication": 10,
                                                          "Information Technology": 35}, "SP500")),
    ("sector_weights_large", "insufficient_data", None, sectors({"Communication": 40})),
    ("mag7_stalled", "supported", 1, seven(1, iwm=4)),
    ("mag7_stalled", "contradicted", 3, seven(3, iwm=4)),
    ("mag7_stalled", "contradicted", 1, seven(1, iwm=0)),
    ("mag7_stalled", "insufficient_data", None, moves(DECEMBER, WEEK_END, AAPL=1, IWM=4)),
    ("banks_lead", "supported", 3, moves(DECEMBER, WEEK_END, KRE=8, IWM=5, SPY=1)),
    ("banks_lead", "contradicted", -1, moves(DECEMBER, WEEK_END, KRE=4, IWM=5, SPY=1)),
    ("banks_lead", "insufficient_data", None, moves(DECEMBER, BEFORE, KRE=4, IWM=5, SPY=1)),
    ("biotech_lead", "supported", 3, moves(DECEMBER, WEEK_END, XBI=8, IWM=5, SPY=1)),
    ("biotech_lead", "contradicted", -1, moves(DECEMBER, WEEK_END, XBI=4, IWM=5, SPY=1)),
    ("biotech_lead", "insufficient_data", None, moves(DECEMBER, WEEK_END, XBI=8)),
    ("biotech_rates", "supported", -4, biotech(-4, 2)),
    ("biotech_rates", "contradicted", -3, biotech(-3, 2)),
    ("biotech_rates", "insufficient_data", None, biotech(None, None)),
    ("jumps_feb", "supported", 6, moves(BEFORE, WEEK_END, KEY=6, WAL=7, VKTX=20, IWM=4)),
    ("jumps_feb", "contradicted", 6, moves(BEFORE, WEEK_END, KEY=6, WAL=7, VKTX=20, IWM=6.5)),
    ("jumps_feb", "contradicted", 4, moves(BEFORE, WEEK_END, KEY=4, WAL=7, VKTX=20, IWM=1)),
    ("jumps_feb", "insufficient_data", None, moves(BEFORE, WEEK_END, KEY=6, WAL=7, IWM=4)),
    ("january_effect", "supported", 1.5, januaries(38, 0.015, 2.4)),
    ("january_effect", "contradicted", 0.5, januaries(38, 0.005, 0.7)),
    ("january_effect", "contradicted", -1, januaries(38, -0.01, -2.5)),
    ("january_effect", "insufficient_data", 1.5, januaries(9, 0.015, 2.4)),
    # days to 2026-01-01, as years
    ("longest_since_2000s", "supported", 5845 / 365.25, five_years(date(2009, 12, 31))),
    ("longest_since_2000s", "contradicted", 4019 / 365.25, five_years(date(2014, 12, 31))),
    ("longest_since_2000s", "insufficient_data", None, five_years(date(2014, 12, 31),
                                                                  date(2002, 1, 2))),
    ("breadth_widens", "supported", 50, breadth(50)),
    ("breadth_widens", "contradicted", 49, breadth(49)),
    ("breadth_widens", "insufficient_data", None, breadth(None)),
    ("junk_rally", "supported", 6, junk(10, 4)),
    ("junk_rally", "contradicted", -6, junk(4, 10)),
    ("junk_rally", "insufficient_data", None, junk(10, 4, count=9)),
]  # fmt: skip


def judge(connection: Connection, claim_id: str) -> dict[str, Any]:
    (claim,) = (each for each in claims() if each.name == claim_id)
    cursor = connection.execute(claim.query.encode())
    names = [column.name for column in cursor.description or ()]
    return judge_claim(claim, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()])


@pytest.mark.parametrize(("claim_id", "verdict", "measured", "tables"), CASES)
def test_verdict_known_by_hand(write, claim_id, verdict, measured, tables):
    row = judge(write(tables), claim_id)
    assert (row["verdict"], row["measured"]) == (verdict, pytest.approx(measured)), row["reason"]
    assert row["reason"]
    assert "  " not in row["reason"]
    if verdict in ("supported", "contradicted"):
        assert row["as_of_date"]


def test_every_claim_has_a_case_of_each_verdict():
    found: dict[str, set[str]] = {}
    for claim_id, verdict, *_ in CASES:
        found.setdefault(claim_id, set()).add(verdict)
    judged = {"supported", "contradicted", "insufficient_data"}
    assert found == {
        claim.name: {"not_measurable"} if "not measurable" in claim.header else judged
        for claim in claims()
    }


def test_second_witness_and_consensus_stand_in_the_reason(write):
    tables = closes(IWM={BEFORE: 100.0, WEEK_END: 119.0}, RUT={BEFORE: 2000.0, WEEK_END: 2040.0})
    connection = write(joined(tables, cpi(102.5), forecast()))
    row = judge(connection, "week_18pct")
    assert (row["witness"], row["second_witness"], row["second_measured"]) == (
        *("IWM", "^RUT"),
        pytest.approx(2.0),
    )
    assert "^RUT disagrees: ^RUT moved 2.00 % in the week to 2026-02-13" in row["reason"]
    assert "consensus 2.9 % (a survey)" in judge(connection, "cpi_jan_release")["reason"]
