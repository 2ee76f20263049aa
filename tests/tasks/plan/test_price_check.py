"""Test which tickers are compared with the second source."""

from collections import Counter
from itertools import pairwise

import pytest

from tasks.plan.price_check import rotating_sample

MEMBERS = [f"T{number}" for number in range(7)]


def test_every_member_has_its_turn() -> None:
    # 7 members in turns of 3: seven sessions are three whole rounds
    turns = [rotating_sample(MEMBERS, ordinal, 3) for ordinal in range(100, 107)]
    assert [len(turn) for turn in turns] == [3] * 7
    assert Counter(ticker for turn in turns for ticker in turn) == dict.fromkeys(MEMBERS, 3)
    # two neighbouring sessions share nobody
    assert all(not set(one) & set(next_one) for one, next_one in pairwise(turns))


def test_a_session_has_one_sample_in_any_order() -> None:
    assert rotating_sample(MEMBERS, 5, 3) == rotating_sample(MEMBERS[::-1], 5, 3)


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (7, 7), (20, 7)])
def test_a_sample_has_no_member_twice(size: int, expected: int) -> None:
    sample = rotating_sample(MEMBERS, 3, size)
    assert len(sample) == len(set(sample)) == expected


def test_without_members_there_is_no_sample() -> None:
    assert rotating_sample([], 3, 20) == []
