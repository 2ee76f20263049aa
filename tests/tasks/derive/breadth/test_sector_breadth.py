"""Breadth in the warehouse: followed change by change, always what one rebuild gives."""

from datetime import date, timedelta

import numpy as np
import pytest

from tasks.derive.breadth import sector_breadth
from tasks.derive.incremental.derived_table import derive_table
from tests.tasks.derive.pipeline import House

FIRST = date(2020, 1, 1)
SHARES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
SECTORS = ("Energy", "Utilities", None)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_a_session_in_full(house):
    house.load_snapshot("R2000", day(1), [("AAA", "Energy", 75.0), ("BBB", None, 25.0)])
    house.load_prices(
        [
            *(("AAA", day(0), 10.0, 5), ("BBB", day(0), 8.0, 7), ("ZZZ", day(0), 1.0, 1)),
            *(("AAA", day(1), 6.0, 50), ("BBB", day(1), 6.0, 70), ("ZZZ", day(2), 2.0, 1)),
        ],
        [("AAA", day(1), "split", 2.0), ("BBB", day(1), "dividend", 0.5)],
    )
    house.derive()
    rows = house.read(
        "select * from published.sector_breadth order by session_date, sector"
    ).to_dicts()
    assert [(row["sector"], row["session_date"], row["is_backcast"]) for row in rows] == [
        ("All", day(0), True),
        ("Energy", day(0), True),
        ("All", day(1), False),
        ("Energy", day(1), False),
    ]
    whole = rows[2]
    assert (whole["members"], whole["priced"], whole["advancers"], whole["decliners"]) == (
        2,
        2,
        1,
        1,
    )
    assert (whole["advancing_volume"], whole["declining_volume"]) == (50, 70)
    assert whole["trin"] == pytest.approx(70 / 50)
    assert whole["equal_weight_return"] == pytest.approx((0.2 - 0.25) / 2)
    assert whole["cap_weight_return"] == pytest.approx(0.75 * 0.2 - 0.25 * 0.25)
    assert whole["membership_as_of"] == day(0)


def test_an_increment_starts_where_something_changed(house):
    members = [(share, "Energy", 20.0) for share in SHARES[:4]]
    house.load_snapshot("R2000", day(0), members)
    house.load_snapshot("R2000", day(20), [*members, ("EEE", "Energy", 20.0)])
    house.load_prices([(share, day(i), 10.0 + i, 9) for share in SHARES for i in range(30)])
    house.derive()

    def start() -> date:
        derived = derive_table.fn(sector_breadth.TABLE, house.settings)
        house.derive()
        if derived is None or derived.rows is None:
            return date.max
        return min(derived.rows["session_date"])

    assert start() == date.max
    house.load_prices([("AAA", day(25), 12.0, 9)])
    assert start() == day(25)
    # its bars count from its first snapshot on
    house.load_prices([("EEE", day(3), 12.0, 9)])
    assert start() == day(19)
    # no member's
    house.load_prices([("FFF", day(3), 12.0, 9)])
    assert start() == date.max
    # cash moves no split-adjusted close
    house.load_prices([("AAA", day(30), 40.0, 9)], [("AAA", day(30), "dividend", 0.1)])
    assert start() == day(30)
    house.load_prices([("AAA", day(31), 20.0, 9)], [("AAA", day(31), "split", 2.0)])
    assert start() == day(0)
    house.load_snapshot("R2000", day(28), members)
    assert start() == day(28)
    house.load_snapshot("R2000", day(-5), members)
    assert start() == day(0)


def test_sector_that_no_member_has_any_more_is_withdrawn(house):
    """From every session, also those before 2001: a year 1 in SQL needs its four digits."""
    session = date(1999, 1, 4)
    for sector in ("Utilities", "Energy"):
        members = [("AAA", "Energy", 50.0), ("BBB", sector, 50.0)]
        house.load_snapshot("R2000", session, members)
        house.load_prices([(share, session, 10.0, 9) for share, *_ in members])
        house.derive()
    stored = house.read("select sector, members from derived.sector_breadth order by sector")
    assert stored.rows() == [("All", 2), ("Energy", 2)]


class Market:
    """What the vendor knows, and how it comes in at random."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.rng, self.today = house, np.random.default_rng(seed), 264
        self.late: list[tuple[object, ...]] = []
        self.listed: dict[tuple[str, int], list[str]] = {}
        self.snapshot("R2000", 255)
        history = [
            self.bar(s, i) for s in SHARES for i in range(self.today) if self.rng.random() < 0.97
        ]
        house.load_prices(history)

    def bar(self, share: str, number: int) -> tuple[object, ...]:
        # a coarse grid: closes meet their means and extremes
        return (
            share,
            day(number),
            10 + self.rng.integers(0, 8) / 4,
            int(self.rng.integers(0, 999)),
        )

    def snapshot(self, index_code: str, number: int) -> None:
        # one that comes again has other weights and sectors, but no other members
        chosen = [share for share in SHARES if self.rng.random() < 0.7] or [SHARES[0]]
        listed = self.listed.setdefault((index_code, number), chosen)
        self.house.load_snapshot(
            index_code,
            day(number),
            [(s, SECTORS[self.rng.integers(3)], float(self.rng.integers(1, 60))) for s in listed],
        )

    def session(self) -> None:
        bars = [self.bar(share, self.today) for share in SHARES]
        is_late = self.rng.random(len(bars)) < 0.2
        self.late += [bar for bar, late in zip(bars, is_late, strict=True) if late]
        arrived = [bar for bar, late in zip(bars, is_late, strict=True) if not late]
        self.house.load_prices(arrived or bars)
        self.today += 1

    def late_rows(self) -> None:
        if self.late:
            self.house.load_prices([self.late.pop(self.rng.integers(len(self.late)))])

    def correction(self) -> None:
        self.house.load_prices(
            [self.bar(self.rng.choice(SHARES), int(self.rng.integers(200, self.today)))]
        )

    def action(self) -> None:
        share, ex_date = self.rng.choice(SHARES), int(self.rng.integers(200, self.today))
        kind = self.rng.choice(["split", "dividend"])
        value = float(self.rng.choice([2.0, 3.0, 1 / 7])) if kind == "split" else 0.125
        self.house.load_prices([self.bar(share, ex_date)], [(share, day(ex_date), kind, value)])

    def members(self) -> None:
        known = self.rng.integers(240, self.today + 2)
        self.snapshot(self.rng.choice(["R2000", "SP500"]), int(known))


LONGER = [pytest.param(seed, 14, marks=pytest.mark.slow) for seed in range(4)]


@pytest.mark.parametrize(("seed", "rounds"), [(0, 9), *LONGER])
def test_whatever_arrives_the_rows_are_those_of_one_rebuild(house, seed, rounds):
    market = Market(house, seed)
    house.derive()
    happenings = (market.session, market.session, market.late_rows, market.correction)
    happenings += (market.action, market.members)
    for _ in range(rounds):
        for number in market.rng.integers(0, len(happenings), market.rng.integers(1, 3)):
            happenings[number]()
        house.derive()
    followed = house.checksums()
    house.rebuild()
    assert house.checksums() == followed
    assert house.read("select 1 from derived.sector_breadth where pct_above_200 is not null").height
    assert house.read("select 1 from derived.sector_breadth where eligible_252 > 0").height
