"""What a merge makes of the held rows."""

from datetime import date

import pandas as pd
import polars as pl
import pytest
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables import daily_price, index_membership, macro_observation, rotation_metrics
from warehouse.merge.counts import MergeCounts

PRICES, MEMBERS = daily_price.CONTRACT, index_membership.CONTRACT
SERIES, RATIOS = macro_observation.CONTRACT, rotation_metrics.CONTRACT
HELD = "select ticker, session_date::text, close, volume from published.daily_price order by 1, 2"
HISTORY = """
select past.close, past.loaded_at < past.superseded_at, past.superseded_at = held.loaded_at,
    past.superseded_by = held.run_id, past.run_id = held.run_id - 1
from history.daily_price as past
join core.daily_price as held using (instrument_id, session_date)
"""
WRITTEN = "select xmin::text from core.daily_price order by instrument_id, session_date"
CHANGES = """
select change.table_name, ticker.ticker, change.item, change.from_date::text, change.run_id
from audit.change as change left join core.ticker as ticker using (instrument_id)
order by change_id
"""
LOADS = """
select table_name, rows_new, rows_changed, rows_same, rows_removed from audit.load order by load_id
"""
COUNT = "select count(*) from {}"


def test_new_rows_are_inserted_and_noted(settings, bars, merged, query):
    frame = bars(("AAA", "2024-01-03", 11.0), ("AAA", "2024-01-02", 10.0), ("B-B", "2024-01-02", 5))
    assert merged(settings, PRICES, frame) == MergeCounts(new=3)
    assert query(settings, HELD) == [
        ("AAA", "2024-01-02", 10.0, 1000),
        ("AAA", "2024-01-03", 11.0, 1000),
        ("B-B", "2024-01-02", 5.0, 1000),
    ]
    assert query(settings, "select count(distinct (loaded_at, run_id)) from core.daily_price") == [
        (1,)
    ]
    assert sorted(query(settings, CHANGES)) == [
        ("daily_price", "AAA", None, "2024-01-02", 1),
        ("daily_price", "B-B", None, "2024-01-02", 1),
    ]
    assert query(settings, LOADS) == [("core.daily_price", 3, 0, 0, 0)]


def test_same_again_touches_nothing(settings, bars, merged, query):
    frame = bars(("AAA", "2024-01-02", 10.0), ("AAA", "2024-01-03", 11.0))
    merged(settings, PRICES, frame)
    before = query(settings, WRITTEN)
    assert merged(settings, PRICES, frame.iloc[::-1]) == MergeCounts(same=2)
    assert query(settings, WRITTEN) == before
    assert query(settings, HISTORY) == []
    assert len(query(settings, CHANGES)) == 1
    assert query(settings, LOADS)[1:] == [("core.daily_price", 0, 0, 2, 0)]


def test_changed_row_moves_to_history(settings, bars, merged, query):
    merged(settings, PRICES, bars(("AAA", "2024-01-02", 10.0), ("AAA", "2024-01-03", 11.0)))
    untouched = query(settings, WRITTEN)[0]
    frame = bars(("AAA", "2024-01-02", 10.0), ("AAA", "2024-01-03", 12.0))
    assert merged(settings, PRICES, frame) == MergeCounts(changed=1, same=1)
    assert query(settings, HISTORY) == [(11.0, True, True, True, True)]
    assert query(settings, WRITTEN)[0] == untouched
    assert query(settings, CHANGES)[1:] == [("daily_price", "AAA", None, "2024-01-03", 2)]
    assert [row[2] for row in query(settings, HELD)] == [10.0, 12.0]


def test_rows_of_every_kind_in_one_batch(settings, bars, merged, query):
    held = [("AAA", "2024-01-02", 10.0), ("AAA", "2024-01-03", 11.0), ("BBB", "2024-01-03", 5.0)]
    merged(settings, PRICES, bars(*held))
    frame = bars(
        ("BBB", "2024-01-03", 5.000001),  # within the vendor's precision
        ("AAA", "2024-01-04", 12.0),
        ("AAA", "2024-01-03", 11.5),
        ("CCC", "2024-01-02", 7.0),
        ("AAA", "2024-01-02", 10.0),
    )
    assert merged(settings, PRICES, frame) == MergeCounts(new=2, changed=1, same=2)
    assert [row[:3] for row in query(settings, HELD)] == [
        ("AAA", "2024-01-02", 10.0),
        ("AAA", "2024-01-03", 11.5),
        ("AAA", "2024-01-04", 12.0),
        ("BBB", "2024-01-03", 5.0),
        ("CCC", "2024-01-02", 7.0),
    ]
    assert query(settings, HISTORY) == [(11.0, True, True, True, True)]
    assert sorted(query(settings, CHANGES)[2:]) == [
        ("daily_price", "AAA", None, "2024-01-03", 2),
        ("daily_price", "CCC", None, "2024-01-02", 2),
    ]
    assert query(settings, LOADS)[1:] == [("core.daily_price", 2, 1, 2, 0)]


def test_value_that_comes_back_has_three_versions(settings, bars, merged, query):
    for close in (10.0, 11.0, 10.0):
        merged(settings, PRICES, bars(("AAA", "2024-01-02", close)))
    versions = query(
        settings,
        "select close, run_id, superseded_by, superseded_at = lead(loaded_at, 1, 'infinity')"
        " over (order by loaded_at) from as_of.daily_price_version order by loaded_at",
    )
    assert versions == [(10.0, 1, 2, True), (11.0, 2, 3, True), (10.0, 3, None, True)]
    # at the instant of a change, the new row is held, and it alone
    at_each_change = """
        select array_agg(held.close) from as_of.daily_price_version as version
        cross join lateral as_of.daily_price(version.loaded_at) as held
        group by version.loaded_at order by version.loaded_at
    """
    assert query(settings, at_each_change) == [([10.0],), ([11.0],), ([10.0],)]


@pytest.mark.parametrize(
    ("held", "new", "is_same"),
    [
        # four steps of single precision: 4.8e-7 of the price
        (100.0, 100.000047, True),
        (100.0, 99.999953, True),
        (100.0, 100.000049, False),
        # and at least the rounding to six decimals
        (0.25, 0.2500014, True),
        (0.25, 0.2500016, False),
    ],
)
def test_price_in_the_vendors_precision_is_the_same(
    settings, bars, merged, query, held, new, is_same
):
    merged(settings, PRICES, bars(("AAA", "2024-01-02", held)))
    counts = merged(settings, PRICES, bars(("AAA", "2024-01-02", new)))
    assert counts == (MergeCounts(same=1) if is_same else MergeCounts(changed=1))
    assert query(settings, HELD)[0][2] == (held if is_same else new)


@pytest.mark.parametrize(
    ("held", "new", "step", "is_same"),
    [
        (1000, 1005, 5.0, True),
        (1000, 994, 5.0, False),
        (1000, 1001, 0.0, False),
        (1000, 1001, None, False),
        (1000, 1000, None, True),
        (None, 1000, 5.0, False),
        (1000, None, 5.0, False),
        (None, None, 5.0, True),
    ],
)
def test_volume_is_the_same_within_its_step(settings, bars, merged, held, new, step, is_same):
    merged(settings, PRICES, bars(("AAA", "2024-01-02", 9.0, held)))
    frame = bars(("AAA", "2024-01-02", 9.0, new)).assign(volume_resolution=step)
    frame["volume_resolution"] = frame["volume_resolution"].astype("float64")
    counts = merged(settings, PRICES, frame)
    assert counts == (MergeCounts(same=1) if is_same else MergeCounts(changed=1))


def ratios(*rows):
    """Derived rows with what may not be NULL."""
    return pl.DataFrame(
        [
            dict.fromkeys(RATIOS.column_names)
            | {"pair": pair, "session_date": date.fromisoformat(day), "ratio": ratio}
            | {"outperformance_streak": 0, "regime": "undetermined"}
            for pair, day, ratio in rows
        ],
        infer_schema_length=None,
    )


def test_rows_that_the_frame_no_longer_has_are_withdrawn(settings, merged, query):
    first = ratios(
        *(("A/B", f"2024-01-0{day}", 0.5) for day in (2, 3, 4, 5)), ("C/D", "2024-01-05", 0.7)
    )
    merged(settings, RATIOS, first)
    counts = merged(
        settings,
        RATIOS,
        ratios(("A/B", "2024-01-03", 0.5), ("A/B", "2024-01-04", 0.6)),
        replaced="old.pair = 'A/B' and old.session_date >= '2024-01-03'",
    )
    assert counts == MergeCounts(changed=1, same=1, removed=1)
    held = "select pair, session_date::text, ratio from derived.rotation_metrics order by 1, 2"
    assert query(settings, held) == [
        ("A/B", "2024-01-02", 0.5),
        ("A/B", "2024-01-03", 0.5),
        ("A/B", "2024-01-04", 0.6),
        ("C/D", "2024-01-05", 0.7),
    ]
    past = "select session_date::text, superseded_by from history.rotation_metrics order by 1"
    assert query(settings, past) == [("2024-01-04", 2), ("2024-01-05", 2)]
    versions = query(
        settings,
        "select count(*) from as_of.rotation_metrics((select min(loaded_at)"
        " from derived.rotation_metrics))",
    )
    assert versions == [(5,)]
    assert query(settings, CHANGES) == []


def test_series_and_members_are_noted_by_item_and_instrument(settings, members, merged, query):
    day = pd.Timestamp("2024-01-02")
    merged(
        settings,
        SERIES,
        pd.DataFrame(
            {
                "series_id": ["CPI", "CPI"],
                "observation_date": [day, day],
                "vintage_date": [pd.Timestamp("2024-02-13"), pd.Timestamp("2024-03-12")],
                "value": [1.5, float("nan")],
                "missing_reason": [None, "withdrawn"],
                "source": "test",
            }
        ),
    )
    merged(settings, MEMBERS, members(("AAA", "2024-01-02", 100.0)))
    assert query(settings, CHANGES) == [
        ("macro_observation", None, "CPI", "2024-02-13", 1),
        ("index_membership", "AAA", None, "2024-01-03", 2),
    ]
    assert query(settings, "select value from core.macro_observation order by vintage_date") == [
        (1.5,),
        (None,),
    ]


def test_one_ticker_is_one_instrument_in_every_table(settings, bars, members, merged, query):
    merged(settings, PRICES, bars(("AAA", "2024-01-02", 9.0)))
    merged(settings, MEMBERS, members(("AAA", "2024-01-02", 100.0)))
    assert query(settings, "select ticker, instrument_id from core.ticker") == [("AAA", 1)]
    assert query(settings, "select first_ticker from core.instrument") == [("AAA",)]


def test_member_that_a_file_no_longer_has_is_withdrawn(settings, members, merged, query):
    merged(settings, MEMBERS, members(("AAA", "2024-01-02", 40.0), ("BBB", "2024-01-02", 60.0)))
    merged(settings, MEMBERS, members(("AAA", "2024-01-03", 99.0), ("BBB", "2024-01-03", 1.0)))
    again = members(("BBB", "2024-01-02", 60.0), ("CCC", "2024-01-02", 40.0))
    assert merged(settings, MEMBERS, again) == MergeCounts(new=1, same=1, removed=1)
    held = "select ticker, as_of_date::text from core.index_membership order by 2, 1"
    assert query(settings, held) == [
        *(("BBB", "2024-01-02"), ("CCC", "2024-01-02")),
        *(("AAA", "2024-01-03"), ("BBB", "2024-01-03")),
    ]
    past = "select ticker, as_of_date::text, run_id, superseded_by from history.index_membership"
    assert query(settings, past) == [("AAA", "2024-01-02", 1, 3)]
    assert {row[1] for row in query(settings, CHANGES)[-2:]} == {"AAA", "CCC"}
    lost = "select key ->> 'ticker', new_value from published.restatement where column_name = %s"
    assert query(settings, lost, ("weight_pct",)) == [("AAA", None)]


def test_vintages_replace_what_the_keyless_file_gave(settings, merged, query):
    def seen(source, series_id, vintage_date, day="2024-01-01"):
        day = pd.Timestamp(day)
        row = {"series_id": [series_id], "observation_date": day, "value": 1.5, "source": source}
        row |= {"vintage_date": pd.Timestamp(vintage_date), "missing_reason": None}
        return pd.DataFrame(row)

    merged(settings, SERIES, seen("fredgraph", "CPI", "2024-05-05"))
    merged(settings, SERIES, seen("fredgraph", "DFF", "2024-05-05"))
    # a licensed series is served for its last years only
    merged(settings, SERIES, seen("fredgraph", "CPI", "2024-05-06", day="2023-12-01"))
    counts = merged(settings, SERIES, seen("alfred", "CPI", "2024-02-13"))
    assert counts == MergeCounts(new=1, removed=1)
    held = "select series_id, source, vintage_date::text from core.macro_observation order by 1, 2"
    assert query(settings, held) == [
        ("CPI", "alfred", "2024-02-13"),
        ("CPI", "fredgraph", "2024-05-06"),
        ("DFF", "fredgraph", "2024-05-05"),
    ]


@pytest.mark.parametrize("close", [0.0, -1.0, float("inf"), None])
def test_database_refuses_what_no_price_can_be(settings, bars, merged, query, close):
    frame = bars(("AAA", "2024-01-02", 9.0), ("AAA", "2024-01-03", close))
    with pytest.raises(adbc.Error, match=r"check|null value"):
        merged(settings, PRICES, frame)
    for table in ("core.daily_price", "core.instrument", "audit.load", "audit.change"):
        assert query(settings, COUNT.format(table)) == [(0,)]
