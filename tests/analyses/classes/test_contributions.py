"""The largest contributions, against a sort."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lamella.analyses.classes.contributions import largest, values_at


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=20), st.sampled_from([1, -1]))
def test_the_largest_are_those_of_a_sort(values: list[int], sign: int) -> None:
    found = largest(np.array(values, np.float32), 5, sign)
    order = sorted(range(len(values)), key=lambda at: (-sign * values[at], at))
    kept = [at for at in order if sign * values[at] > 0][:5]
    assert found.tolist() == kept + [-1] * (5 - len(kept))
    there = values_at(np.array(values, np.float32), found)
    assert there.tolist() == [float(values[at]) for at in kept] + [0.0] * (5 - len(kept))
