"""Files keep every bit of a virtual population, and refuse what they are not."""

import math
import sys

import numpy as np
import pytest

from bitesim import MissingExtraError, ParameterError, VirtualPopulation, find_model
from bitesim.population import Growth, LogNormal, Mixture, Quantiles, Variability


@pytest.fixture(scope="module")
def population():
    mrd = Mixture([0.6, 0.4], [LogNormal.of_log10(-2.3, 0.7), LogNormal.of_log10(-5.0, 1.0)])
    spread = Variability.of_catalogue().adding({"mrd": mrd}, {("mrd", "clearance_l_per_h"): 0.25})
    ages = Quantiles({0: 1, 0.25: 6, 0.5: 9, 0.75: 16, 1: 30})
    return VirtualPopulation.sample(
        300, seed=2**64 - 1, variability=spread, covariates=Growth(ages), limits={"mrd": (1e-7, None)}
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_population_comes_back_byte_for_byte_and_grows_the_same(population, suffix, tmp_path):
    path = tmp_path / f"patients{suffix}"
    population.save(path)
    again = VirtualPopulation.load(path)
    assert list(again.columns) == list(population.columns)
    for name, values in population.columns.items():
        assert again[name].tobytes() == values.tobytes()
    assert again.provenance() == population.provenance()
    assert again.grow(400).digest() == population.grow(400).digest()
    second = tmp_path / f"again{suffix}"
    again.save(second)
    assert second.read_bytes() == path.read_bytes()


def test_extreme_numbers_and_subsets_come_back(population, tmp_path):
    odd = VirtualPopulation(
        {"mrd": np.array([5e-324, 1.7976931348623157e308, math.nextafter(0.1, 1.0)])},
        np.array([7, 3, 2**32 - 1]),
        np.zeros(3, int),
        population.recipe,
        population.origin,
    )
    odd.save(tmp_path / "odd.csv")
    assert VirtualPopulation.load(tmp_path / "odd.csv").digest() == odd.digest()


def test_other_and_changed_files_are_refused(population, tmp_path):
    path = tmp_path / "patients.csv"
    population.save(path)
    text = path.read_text()
    first = text.splitlines()[2]
    (tmp_path / "edited.csv").write_text(text.replace(first, first.replace(first.split(",")[3], "9.5")))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "text.csv").write_text("# {}\na,b\nx,2\n")
    with pytest.raises(ParameterError, match="was the file edited"):
        VirtualPopulation.load(tmp_path / "edited.csv")
    for name in ("other.csv", "text.csv"):
        with pytest.raises(ParameterError, match="holds no virtual population"):
            VirtualPopulation.load(tmp_path / name)
    with pytest.raises(ParameterError, match="of model leukaemia, not of hosseini2020"):
        VirtualPopulation.load(path, find_model("hosseini2020"))
    with pytest.raises(ParameterError, match=r"\.csv, \.parquet"):
        population.save(tmp_path / "patients.xlsx")


def test_parquet_without_pyarrow_names_the_extra(population, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"bitesim\[data\]"):
        population.save(tmp_path / "patients.parquet")
