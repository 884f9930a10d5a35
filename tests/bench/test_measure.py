import pytest

from tests.bench.measure import Measure


@pytest.mark.parametrize(
    ("pairs", "more_is_better", "verdict"),
    [
        ([(5, 10), (6, 10), (90, 10)], True, "ok"),
        ([(4, 10), (4, 10), (90, 10)], True, "short"),
        ([(4, 10)], False, "ok"),
        ([(6, 10)], False, "short"),
    ],
)
def test_the_median_of_the_pairs_is_judged_by_the_goal(
    pairs: list[tuple[float, float]], *, more_is_better: bool, verdict: str
) -> None:
    measure = Measure("a / b", pairs, goal=0.5, unit="things", more_is_better=more_is_better)

    assert measure.as_json()["verdict"] == verdict
    assert verdict in measure.line()


def test_a_line_names_the_measure_its_ratio_goal_and_spread() -> None:
    line = Measure("a / b", [(1, 2), (3, 4), (5, 4)], goal=0.5, unit="things").line()

    assert line.startswith("a / b ")
    assert " 0.75 " in line
    assert "≥ 0.5" in line
    assert "0.50 to 1.25 in 3 pairs" in line
