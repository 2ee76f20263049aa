"""Values of the real tapes against figures that the same filers state elsewhere."""

import pytest

from deployments.bench.filings_accuracy import Score, score_tape


def test_a_score_says_where_values_differ():
    score = Score()
    score.add(True, "one")
    score.add(False, "two", 1e6, 2e6)
    assert (score.share, score.differing) == ("50.0 %", ["two 1.000 2.000"])


@pytest.mark.parametrize(
    # figures compared at least, and least share of agreements in percent, by value
    ("tape", "least"),
    [
        ("real-filings", {"income": (900, 99.8), "limit": (100, 100), "debt": (5, 100)}),
        # a schedule states principal, a balance sheet the carrying amount: some are far apart
        pytest.param(
            "real-2024",
            {"income": (50, 100), "limit": (70, 100), "debt": (200, 93), "ladder": (80, 98)},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_values_agree_with_figures_filed_elsewhere(tapes, tape, least):
    scores = score_tape(tapes / tape)
    for name, (compared, share) in least.items():
        found = scores[name]
        assert found.compared >= compared, name
        assert 100 * found.agreeing / found.compared >= share, (name, found.differing)
