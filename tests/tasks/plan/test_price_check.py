"""Test which tickers are compared with the second source, and when again."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from tasks.plan.price_check import (
    LastComparison,
    is_due,
    read_last_turns,
    select_next_members,
)
from warehouse.connect.connections import connect
from warehouse.settings import Settings

FIRST = datetime(2026, 2, 2, 23, tzinfo=UTC)
# a Friday, whose session closes at 16:00 in New York: 21:00 UTC
NEWEST, CLOSE = date(2026, 2, 13), datetime(2026, 2, 13, 21, tzinfo=UTC)
EVENING, NIGHT = CLOSE + timedelta(hours=2.5), CLOSE + timedelta(hours=5.5)


def test_every_member_has_its_turn_while_members_come_and_go() -> None:
    compared: dict[str, datetime] = {}
    turns: Counter[str] = Counter()
    for session in range(12):
        # each session one member leaves and one comes; ten of them stay
        members = [f"T{number}" for number in range(10)] + [f"NEW{session}"]
        chosen = select_next_members(members, compared, 3)
        assert f"NEW{session}" in chosen or session == 0 or len(compared) < len(members)
        compared |= dict.fromkeys(chosen, FIRST + timedelta(days=session))
        turns.update(ticker for ticker in chosen if ticker.startswith("T"))
    # 36 places, at most 12 of them to new members: each of ten has two turns
    assert min(turns[f"T{number}"] for number in range(10)) >= 2
    assert max(turns.values()) - min(turns.values()) <= 1


def test_never_compared_comes_first_and_the_longest_ago_next() -> None:
    compared = {"A": FIRST + timedelta(days=2), "B": FIRST, "C": FIRST + timedelta(days=1)}
    for members in ("ABCD", "DCBA"):
        assert select_next_members(members, compared, 3) == ["D", "B", "C"]


def test_members_never_compared_have_one_order() -> None:
    members = [f"T{number}" for number in range(7)]
    chosen = select_next_members(members, {}, 3)
    assert chosen == select_next_members(members[::-1], {}, 3)
    assert chosen != sorted(members)[:3]


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (7, 7), (20, 7)])
def test_a_sample_has_no_more_than_the_members(size: int, expected: int) -> None:
    members = [f"T{number}" for number in range(7)]
    assert len(set(select_next_members(members, {}, size))) == expected
    assert select_next_members([], {}, size) == []


@pytest.mark.parametrize(
    ("fetched_at", "newest_session", "now", "expected"),
    [
        # before the close, and after it
        (CLOSE - timedelta(hours=1), NEWEST, EVENING, True),
        (EVENING, NEWEST, NIGHT, False),
        # the newest session was late, or all were: until the last retry at 21:30 New York
        (EVENING, date(2026, 2, 12), NIGHT, True),
        (EVENING, None, NIGHT, True),
        (NIGHT, None, NIGHT + timedelta(hours=9), False),
        # but not by a queued run, minutes later
        (EVENING, None, EVENING + timedelta(minutes=5), False),
    ],
)
def test_a_reply_counts_once_it_has_the_newest_session(
    fetched_at: datetime, newest_session: date | None, now: datetime, expected: bool
) -> None:
    last = LastComparison(fetched_at, True, newest_session)
    assert is_due(last, NEWEST, CLOSE, is_open=False, now=now) is expected


def test_an_open_difference_is_requested_again_once_closes_are_corrected() -> None:
    early, late = LastComparison(EVENING, True, NEWEST), LastComparison(NIGHT, True, NEWEST)
    # at 19:30 in New York not yet, at 21:30 once
    assert not is_due(early, NEWEST, CLOSE, is_open=True, now=CLOSE + timedelta(hours=3.5))
    assert is_due(early, NEWEST, CLOSE, is_open=True, now=NIGHT)
    assert not is_due(late, NEWEST, CLOSE, is_open=True, now=NIGHT + timedelta(hours=1))


def test_a_request_without_a_reply_does_not_count() -> None:
    assert is_due(None, NEWEST, CLOSE, is_open=False, now=EVENING)
    assert is_due(LastComparison(EVENING, False, None), NEWEST, CLOSE, is_open=False, now=EVENING)


# each run: its day, and ticker to the status of its request; SKIP's was not sent
REQUESTED = (
    (
        2,
        {
            "GOOD": "loaded",
            "NONE": "not_found",
            "SICK": "outage",
            "LATE": "throttled",
            "SKIP": "outage",
        },
    ),
    (3, {"SICK": "outage", "GOOD": "outage"}),
    (4, {"GOOD": "loaded"}),
)


def test_a_ticker_that_alone_cannot_be_read_has_had_its_turn(settings: Settings) -> None:
    with connect(settings) as connection:
        for day, statuses in REQUESTED:
            at = datetime(2026, 2, day, 22, tzinfo=UTC)
            [(run_id,)] = connection.execute(
                "insert into audit.run (flow, process, clock_at) values ('price-check', 'a:1', %s)"
                " returning run_id",
                (at,),
            ).fetchall()
            for item, status in statuses.items():
                connection.execute(
                    """
                    insert into audit.fetch (
                        run_id, source, dataset, item, status, reason, detail, rows, attempts,
                        started_at, finished_at
                    ) values (
                        %s, 'tiingo', 'price_discrepancy', %s, %s, %s, '', 0, %s, %s, %s
                    )
                    """,
                    (
                        *(run_id, item, status, None if status == "loaded" else "any"),
                        *(int(item != "SKIP"), at, at),
                    ),
                )
        turns = read_last_turns(
            connection,
            ["GOOD", "NONE", "SICK", "LATE", "SKIP", "NEW"],
            datetime(2026, 2, 4, tzinfo=UTC),
        )
    # not the outage of all on the third, nothing throttled or not sent, nothing after the close
    second = datetime(2026, 2, 2, 22, tzinfo=UTC)
    assert turns == {"GOOD": second, "NONE": second, "SICK": second}
