"""Listings: new ones, dead ones, a rename, a reused symbol, halts, and the June lists."""

from __future__ import annotations

import polars as pl


def _holes(tape) -> pl.DataFrame:
    """Missing bars of each listing: ticker, first_session, missing."""
    bars = tape.bars.select("ticker", "session_date")
    sessions = bars.select("session_date").unique()
    listings = tape.csv("instruments").select("ticker", "first_session", "last_session")
    due = listings.join_where(
        sessions,
        pl.col("session_date") >= pl.col("first_session"),
        pl.col("session_date") <= pl.col("last_session"),
    )
    missing = due.join(bars, on=["ticker", "session_date"], how="anti")
    return missing.group_by("ticker", "first_session").len("missing")


def test_bars_lie_inside_their_listing(longer_tape):
    listings = longer_tape.csv("instruments")
    inside = longer_tape.bars.join(listings, on="ticker").filter(
        pl.col("session_date").is_between(pl.col("first_session"), pl.col("last_session"))
    )
    assert len(inside) == len(longer_tape.bars)


def test_halts_leave_holes_of_three_sessions_and_more(longer_tape):
    holes = _holes(longer_tape)
    assert len(holes) >= 1
    assert holes["missing"].min() >= 3
    assert len(holes) < 0.1 * len(longer_tape.csv("instruments"))


def test_some_list_late_and_some_leave(tape):
    about = tape.csv("truth_companies")
    days = tape.bars["session_date"]
    assert (about["first_session"] > days.min()).sum() >= 2
    left = about.filter(pl.col("last_session") < days.max())
    assert set(left["ending"]) == {"bankruptcy", "takeover"}
    assert about.filter(pl.col("ending") != "").equals(left)


def test_the_renamed_company_changes_its_symbol_between_two_sessions(tape):
    listings = tape.csv("instruments")
    old = listings.filter(pl.col("renamed_to").is_not_null()).to_dicts()
    assert len(old) == 1
    new = listings.filter(pl.col("ticker") == old[0]["renamed_to"]).to_dicts()[0]
    turn = old[0]["renamed_on"]
    assert str(new["first_session"]) == str(turn)
    assert new["name"] == old[0]["name"]
    before = tape.bars.filter(pl.col("ticker") == old[0]["ticker"])["session_date"]
    after = tape.bars.filter(pl.col("ticker") == new["ticker"])["session_date"]
    sessions = tape.bars["session_date"].unique().sort().to_list()
    assert sessions.index(after.min()) == sessions.index(before.max()) + 1


def test_one_symbol_belongs_to_two_companies_in_turn(tape):
    listings = tape.csv("instruments")
    twice = listings.filter(pl.col("ticker").is_duplicated()).sort("first_session")
    assert len(twice) == 2
    assert twice["name"].n_unique() == 2
    assert twice["last_session"][0] < twice["first_session"][1]


def test_class_shares_carry_a_dash(tape):
    dashed = tape.csv("truth_companies").filter(pl.col("ticker").str.contains("-"))
    assert len(dashed) == 3
    assert set(dashed["first_size"]) == {"large", "small"}


def test_every_sector_has_a_company(tape):
    assert tape.csv("truth_companies")["sector"].n_unique() == 11


def test_june_promotes_demotes_and_admits(longer_tape):
    about = longer_tape.csv("truth_companies")
    moved = about.filter((pl.col("size") != pl.col("first_size")) & (pl.col("size") != ""))
    assert {"large", "small"} == set(moved["size"])
    newcomers = about.filter(pl.col("first_session") > pl.col("first_session").min())
    assert "small" in newcomers["size"].to_list()


def test_followed_symbols_are_all_there(tape):
    followed = {"IWM", "IJR", "SPY", "IVV", "QQQ", "RSP", "KRE", "XBI", "XLB", "XLC", "XLE"}
    followed |= {"XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY"}
    followed |= {"^RUT", "^GSPC", "^VIX"}
    assert followed <= set(tape.bars["ticker"])
    types = tape.csv("instruments").filter(pl.col("ticker").is_in(sorted(followed)))["type"]
    assert set(types) == {"ETF", "INDEX"}
