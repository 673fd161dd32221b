"""The front door."""

import numpy as np
import pytest

import bitesim

REGIMEN = "15 ug/m2/day for 28 d, 14 d off, x2"


def test_the_contract():
    patient = bitesim.Patient(weight_kg=70, bsa_m2=1.88, age_years=40, blood_b_cells_per_ul=70, blood_cd8_t_cells_per_ul=200)
    regimen = bitesim.Regimen.parse(REGIMEN)
    run = bitesim.simulate(patient, regimen, model="hosseini2020", times_days=[0, 1, 7, 28], rtol=1e-6, seed=1)
    assert isinstance(run["blood_cd8_t_cells_per_ul"], np.ndarray)
    assert run["blood_cd8_t_cells_per_ul"][0] == pytest.approx(200.0)
    assert run.to_dataframe(wide=True).columns[0] == "time_days"
    assert run.outputs == (
        "serum_drug_pg_per_ml", "blood_b_cells_per_ul", "blood_cd8_t_cells_per_ul", "blood_cd69_fraction",
        "serum_il6_pg_per_ml",
    )  # fmt: skip
    assert run.provenance.seed == 1


def test_nothing_but_the_inputs_counts():
    first, again = (bitesim.simulate(None, REGIMEN, times_days=[1.0, 30.0]) for _ in range(2))
    more = bitesim.simulate(None, REGIMEN, times_days=np.linspace(0.0, 60.0, 241))
    for name in first.values:
        assert np.array_equal(first[name], again[name])
        assert np.array_equal(first[name], more[name][[4, 120]]), name
    assert first.provenance.digest() == again.provenance.digest()


def test_cutting_an_infusion_in_equal_rates_changes_nothing():
    whole = bitesim.simulate(None, "15 ug/m2/day for 28 d", times_days=[1.0, 20.0, 35.0])
    halves = bitesim.simulate(None, "15 ug/m2/day for 9.1 d, 15 ug/m2/day for 18.9 d", times_days=[1.0, 20.0, 35.0])
    for name in whole.values:
        assert np.array_equal(whole[name], halves[name])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": "hosseini"}, "Did you mean 'hosseini2020'"),
        ({"model": 7}, "neither a name nor a Model"),
        ({"regimen": 7}, "is not a Regimen"),
        ({"patient": 7}, "is not a Patient"),
        ({"rtol": 0.5}, r"rtol = 0.5 .*1e-12 to 0.01"),
        ({"rtol": True}, "rtol = True"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": 1.5}, "seed = 1.5"),
        ({"max_steps": 0}, "max_steps = 0"),
        ({"times_days": [0, 0]}, "repeats"),
        ({"engine": "hybird"}, "Did you mean 'hybrid'"),
        ({"replicates": 5}, "would all be the same"),
        ({"engine": "hybrid", "replicates": 0}, "replicates = 0"),
        ({"parameters": bitesim.MODELS["clements2020"].parameters}, "do not belong to model leukaemia"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, words):
    with pytest.raises(bitesim.ParameterError, match=words):
        bitesim.simulate(**{"patient": None, "regimen": REGIMEN, **arguments})


def test_default_times_cover_the_course_and_rise():
    run = bitesim.simulate(None, "28 ug/day for 2 d, 1 d off")
    assert (run.times_days[0], run.times_days[-1]) == (0.0, 3.0)
    assert np.all(np.diff(run.times_days) > 1e-9)
    assert np.isclose(run.times_days, 1.0 / 24.0).any()


def test_what_the_model_cannot_use_is_said():
    with pytest.warns(bitesim.PatientWarning, match="hosseini2020 has no use for marrow_blast_fraction = 0.001 of p7"):
        bitesim.simulate(bitesim.Patient(mrd=1e-3, name="p7"), REGIMEN, "hosseini2020", [0.0, 1.0])
    with pytest.warns(bitesim.PatientWarning, match="clements2020 has no use for t_cell_fitness = 0.5"):
        bitesim.simulate(bitesim.Patient(t_cell_fitness=0.5), REGIMEN, "clements2020", [0.0, 1.0])


def test_without_a_model_it_is_bitesims_own():
    run = bitesim.simulate(bitesim.Patient(mrd=1e-3), REGIMEN, times_days=[0.0, 28.0])
    assert run.provenance.model == "leukaemia"
    assert {"mrd", "marrow_blast_fraction", "neutrophils_per_ul", "extinction_probability"} < set(run.outputs)


def test_the_hybrid_engine_is_one_argument_away():
    run = bitesim.simulate(
        bitesim.Patient(mrd=1e-8), REGIMEN, times_days=[0.0, 28.0, 84.0], engine="hybrid", replicates=20, seed=3
    )
    assert run["mrd"].shape == (20, 3)
    assert run.p_cured().replicates == 20
