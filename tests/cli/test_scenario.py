"""Scenario files: what they hold, and that nonsense meets only the package's own errors."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bitesim
from bitesim.cli.scenario import arguments_from, read_scenario

SCENARIO = """
model = "hosseini2020"
regimen = "15 ug/m2/day for 28 d, 14 d off, x2"
times_days = [0, 1, 7, 28]
rtol = 1e-7
seed = 3
[patient]
weight_kg = 70
bsa_m2 = 1.88
[parameters]
killing_per_day = 200
[bags]
hours = 48
change_gap_minutes = 4
[[hold]]
start_day = 5.5
hours = 9
reason = "CRS"
"""


def test_a_scenario_is_what_simulate_takes(tmp_path):
    file = tmp_path / "scenario.toml"
    file.write_text(SCENARIO)
    arguments = read_scenario(file)
    assert arguments["parameters"].killing_per_day == 200.0
    assert arguments["regimen"].holds[0].reason == "CRS"
    assert len(bitesim.simulate(**arguments)) == 4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("weight_kg = 70", "weigth_kg = 70", "patient.weigth_kg. Did you mean 'weight_kg'"),
        ("killing_per_day = 200", "killing_per_day = -1", "killing_per_day = -1"),
        ("rtol = 1e-7", 'rtol = "small"', "rtol = 'small' is text"),
        ("x2", "x0", "'x0'"),
        ("hours = 9", "hours = 9\nreasons = 1", "hold"),
        ('model = "hosseini2020"', "model = 3", "neither a name"),
        ("seed = 3", "seed = 3\nsede = 4", "Did you mean 'seed'"),
        ("seed = 3", "seed = = 4", "not valid TOML"),
    ],
)
def test_mistakes_name_the_file_and_the_key(tmp_path, old, new, words):
    file = tmp_path / "scenario.toml"
    file.write_text(SCENARIO.replace(old, new))
    with pytest.raises(bitesim.ScenarioError, match=r"scenario\.toml") as caught:
        read_scenario(file)
    assert words in str(caught.value)


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
KEYS = st.sampled_from(["model", "regimen", "patient", "parameters", "hold", "bags", "rtol", "seed", "times_days", "other"])


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_content_meets_only_own_errors(content):
    with suppress(bitesim.BitesimError):
        arguments_from(content)
