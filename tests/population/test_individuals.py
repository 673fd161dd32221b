"""Rows of a virtual population are, bit for bit, the patients that `simulate` runs."""

import numpy as np
import pytest

from bitesim import ParameterError, VirtualPopulation
from bitesim.population import Growth, LogNormal, Uniform, Variability
from bitesim.population.individuals import parameter_table, patient_and_parameters

MRD = LogNormal.of_log10(-3.0, 1.0, -6.0, -1.0)
CASES = {
    "bodies and counts": {
        "covariates": Growth(Uniform(1, 30)),
        "variability": Variability.of_catalogue().adding({"mrd": MRD}),
    },
    "counts by age alone": {"covariates": Growth(Uniform(1, 30), cd8_sd=None)},
    "reference bodies": {},
    "height alone": {"variability": Variability({"height_cm": Uniform(150, 190)})},
    "surface and weight": {"variability": Variability({"bsa_m2": Uniform(1.7, 1.9), "weight_kg": Uniform(65, 75)})},
    "other model": {"covariates": Growth(40.0), "model": "hosseini2020", "variability": Variability({"killing_max": 0.5})},
    "fitness": {"variability": Variability({"t_cell_fitness": LogNormal(1.0, 0.3), "marrow_blast_fraction": 0.4})},
}


@pytest.mark.parametrize("name", CASES)
def test_the_table_is_what_each_patient_has(name):
    population = VirtualPopulation.sample(60, seed=3, **CASES[name])
    table = parameter_table(population.model, population.columns, 10, 60)
    for row in range(10, 60):
        patient, parameters = population.patient(row)
        expected = population.model.individual_parameters(parameters, patient.covariates()).vector()
        assert table[row - 10].tobytes() == expected.tobytes()
        assert patient.bsa_m2 == np.broadcast_to(population.cohort_arguments()["bsa_m2"], 60)[row]


def test_a_model_that_needs_more_of_the_body_says_so():
    with pytest.raises(ParameterError, match="needs bsa_m2="):
        VirtualPopulation.sample(5, seed=1, variability=Variability({"weight_kg": Uniform(10, 60)}))


def test_one_row_by_name():
    population = VirtualPopulation.sample(1, seed=1)
    patient, parameters = patient_and_parameters(
        population.model, {"age_years": 9.0, "weight_kg": 30.0, "bsa_m2": 1.1, "clearance_l_per_h": 2.0}, "p1"
    )
    assert (patient.name, patient.age_years, parameters["clearance_l_per_h"]) == ("p1", 9.0, 2.0)
