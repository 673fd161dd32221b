"""SBML: the file is valid, keeps every name and number, and libRoadRunner computes from it what bitesim computes."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import bitesim
from bitesim.cli import main
from bitesim.engines.deterministic import Case, Settings, run_ode
from bitesim.foundation.compiled import kernel
from bitesim.interchange import to_sbml
from bitesim.model import DrugInput, Model, Processes, Readout, Species, SpeciesTable
from bitesim.parameters import Catalogue, Parameter, ParameterSet
from bitesim.treatment import Continue, SteadyState
from tests.problems.stiff_binding import STIFF_BINDING, population

pytest.importorskip("sympy")

REGIMENS = ("15 ug/m2/day for 28 d, 14 d off, x2", "9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off")
BSA_M2 = 1.88
HOSSEINI = bitesim.MODELS["hosseini2020"]
SBML = {"s": "http://www.sbml.org/sbml/level3/version2/core"}
ONE_CYCLE = bitesim.Regimen.parse("15 ug/m2/day for 28 d, 14 d off")
CATALOGUE = Catalogue("own", (Parameter("drug", "1/d", 2.0, (0.0, 9.0), "elimination", "made up for this test"),))


@kernel
def fluxes(s: Any, p: Any, f: Any) -> None:
    f.drug = p.drug * s.drug
    f.body = 0.5 * s.drug - 0.25 * s.time


@kernel
def initial_state(p: Any, s: Any) -> None:
    s.time = 3.0 * p.drug


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    r.total = s.drug + s.time


def own_model(**changes: Any) -> Model:
    """Return a model whose names mean several things."""
    parts: dict[str, Any] = {
        "name": "own model 1",
        "title": "a < b & c",
        "source": "none",
        "parameters": ParameterSet(CATALOGUE),
        "species": SpeciesTable((Species("drug", "ug", "drug", 1e-6), Species("time", "ug", "drug elsewhere", 1e-6))),
        "processes": Processes({"drug": {"drug": -1}, "body": {"drug": -2, "time": +0.5}}),
        "fluxes": fluxes,
        "initial_state": initial_state,
        "readouts": (Readout("total", "ug", "all drug"),),
        "read": read,
        "drug": DrugInput("drug"),
    }
    return Model(**{**parts, **changes})


def varied(model: Model, count: int, seed: int, sd: float = 0.2) -> list[ParameterSet]:
    """Return patients whose every parameter is log-normal around the model's, within its bounds."""
    rng = np.random.default_rng(seed)
    return [
        model.parameters.replace(
            **{
                name: float(np.clip(row.default * np.exp(sd * rng.standard_normal()), *row.bounds))
                for name, row in model.catalogue.items()
            }
        )
        for _ in range(count)
    ]


class Simulator:
    """One file in libRoadRunner, for many patients."""

    def __init__(self, model: Model, regimen: Any, rtol: float = 1e-10) -> None:
        roadrunner = pytest.importorskip("roadrunner")
        self.model = model
        self.runner = roadrunner.RoadRunner(to_sbml(model, regimen=regimen, bsa_m2=BSA_M2))
        assert list(self.runner.model.getFloatingSpeciesIds()) == list(model.species)
        settings = self.runner.getIntegrator()
        settings.setValue("relative_tolerance", rtol)
        # A single number would be multiplied by each state's value at the time; a list is taken as it is.
        settings.setValue("absolute_tolerance", (rtol * model.species.scales()).tolist())
        settings.setValue("maximum_num_steps", 1_000_000)

    def __call__(self, parameters: ParameterSet, times: np.ndarray) -> np.ndarray:
        """Return states and readouts, shape (times, names)."""
        # reset() alone would leave the pump at its last rate; after it the start follows from the parameters.
        self.runner.resetAll()
        for name, value in parameters.as_dict().items():
            self.runner.setValue(name, value)
        self.runner.reset()
        names = [*self.model.species, *(readout.name for readout in self.model.readouts)]
        return np.array(self.runner.simulate(times=times.tolist(), selections=["time", *names]))[:, 1:]


def largest_error(model: Model, regimen: Any, patients: list[ParameterSet], times: np.ndarray) -> float:
    """Return the largest difference between libRoadRunner and bitesim, relative to value + scale."""
    simulator, largest = Simulator(model, regimen), 0.0
    # Readouts have no scale of their own: below a thousandth of its largest value one no longer matters.
    for parameters in patients:
        run = run_ode(Case(model, parameters, regimen, BSA_M2), times, Settings(1e-10))
        expected = np.column_stack([run[name] for name in (*model.species, *run.outputs)])
        peaks = 1e-3 * np.max(np.abs(expected[:, len(model.species) :]), axis=0)
        floor = np.append(model.species.scales(), peaks + 1e-300)
        error = np.abs(simulator(parameters, times) - expected) / (np.abs(expected) + floor)
        assert np.all(np.isfinite(error))
        largest = max(largest, float(np.max(error)))
    return largest


def errors_of(text: str) -> list[str]:
    """Return what libSBML finds wrong with a file, warnings about units left out."""
    libsbml = pytest.importorskip("libsbml")
    document = libsbml.readSBMLFromString(text)
    document.checkConsistency()
    problems = [document.getError(index) for index in range(document.getNumErrors())]
    return [
        problem.getMessage()
        for problem in problems
        if problem.getSeverity() >= libsbml.LIBSBML_SEV_ERROR or not about_units(problem)
    ]


def about_units(problem: Any) -> bool:
    """Every quantity has a unit of its own, in its name: libSBML recommends declared ones."""
    return "unit" in problem.getMessage().lower()


def identifiers(text: str, kind: str) -> list[str]:
    return [row.get("id") for row in ElementTree.fromstring(text).iterfind(f".//s:{kind}", SBML)]


@pytest.mark.parametrize("model", bitesim.MODELS.values(), ids=list(bitesim.MODELS))
def test_the_file_is_valid_and_keeps_every_name(model):
    text = to_sbml(model, regimen=REGIMENS[0], bsa_m2=BSA_M2)
    assert errors_of(text) == []
    assert identifiers(text, "species") == list(model.species)
    assert identifiers(text, "reaction") == [*model.processes, f"infusion_of_{model.drug.species}"]
    readouts = [readout.name for readout in model.readouts]
    assert identifiers(text, "parameter") == [*model.catalogue, f"infused_{model.drug.species}_per_day", *readouts]
    species = ElementTree.fromstring(text).find(".//s:species", SBML)
    assert species.get("name").endswith(f"[{model.species[model.drug.species].unit}]")


def test_every_kind_of_change_is_valid():
    regimen = replace(ONE_CYCLE.with_bolus(3.0, 7.0).with_infusion(2.0, 1.0, 1e9, "b_cells_blood"), resets=(10.0,))
    assert errors_of(to_sbml(HOSSEINI, regimen=regimen, bsa_m2=BSA_M2)) == []
    assert errors_of(to_sbml(HOSSEINI)) == []
    assert errors_of(to_sbml(STIFF_BINDING, regimen=REGIMENS[1])) == []


def test_parameters_keep_their_last_bit():
    libsbml = pytest.importorskip("libsbml")
    (parameters,) = varied(HOSSEINI, 1, seed=5)
    model = libsbml.readSBMLFromString(to_sbml(HOSSEINI, parameters)).getModel()
    assert {name: model.getParameter(name).getValue() for name in HOSSEINI.catalogue} == parameters.as_dict()


@pytest.mark.parametrize("regimen", REGIMENS)
def test_libroadrunner_agrees_on_20_random_patients(regimen):
    regimen = bitesim.Regimen.parse(regimen)
    times = np.arange(0.0, regimen.days + 1.0)
    assert largest_error(HOSSEINI, regimen, varied(HOSSEINI, 20, seed=1), times) < 1e-6


@pytest.mark.parametrize("regimen", REGIMENS)
def test_libroadrunner_agrees_on_the_stiff_problem(regimen):
    regimen = bitesim.Regimen.parse(regimen)
    times = np.arange(0.0, regimen.days + 1.0)
    names = list(STIFF_BINDING.catalogue)
    patients = [
        STIFF_BINDING.parameters.replace(**dict(zip(names, map(float, row), strict=True))) for row in population(20, seed=2)
    ]
    assert largest_error(STIFF_BINDING, regimen, patients, times) < 1e-6


@pytest.mark.parametrize(
    "regimen",
    [
        ONE_CYCLE.with_bags(48, 4),
        ONE_CYCLE.hold(5.5, hours=9),
        ONE_CYCLE.with_bolus(0.0, 5.0).with_bolus(3.0, 7.0),
        replace(ONE_CYCLE, resets=(10.0,)).with_bolus(10.0, 7.0),
        ONE_CYCLE.with_infusion(3.0, 4.0, 1e9, "b_cells_blood"),
        bitesim.Regimen.none().with_infusion(300.0, 0.003, 10.0),
        bitesim.Regimen.none(),
    ],
    ids=["bags", "hold", "boluses", "reset", "two inputs", "short and late", "nothing"],
)
def test_libroadrunner_agrees_on_every_kind_of_change(regimen):
    around = [2.0, 2.0 + 4.0 / 1440.0, 5.499, 5.501, 299.9, 300.001, 300.003, 300.1]
    times = np.union1d(np.arange(0.0, 42.0), around)
    assert largest_error(HOSSEINI, regimen, [HOSSEINI.parameters], times) < 1e-6


@pytest.mark.parametrize("name", ["hosseini2020_nhl", "clements2020"])
def test_libroadrunner_agrees_on_the_other_models(name):
    model = bitesim.MODELS[name]
    assert largest_error(model, ONE_CYCLE, varied(model, 2, seed=3), np.arange(0.0, 43.0)) < 1e-6


def test_names_that_stand_for_two_things_stay_apart():
    model = own_model()
    text = to_sbml(model, regimen="24 ug/day for 1 d")
    assert errors_of(text) == []
    assert identifiers(text, "species") == ["drug", "time_species"]
    assert identifiers(text, "parameter")[0] == "drug_parameter"
    assert identifiers(text, "reaction") == ["drug_process", "body", "infusion_of_drug"]
    assert identifiers(text, "compartment") == ["body_compartment"]
    assert identifiers(text, "model") == ["own_model_1"]
    roadrunner = pytest.importorskip("roadrunner")
    runner = roadrunner.RoadRunner(text)
    runner.getIntegrator().setValue("relative_tolerance", 1e-9)
    found = runner.simulate(times=[0.0, 0.5, 2.0], selections=["drug", "time_species", "total"])
    run = bitesim.simulate(None, "24 ug/day for 1 d", model, [0.0, 0.5, 2.0], rtol=1e-9)
    np.testing.assert_allclose(found, np.column_stack([run["drug"], run["time"], run["total"]]), rtol=1e-6, atol=1e-9)


def test_a_given_start_holds_until_a_reset():
    model = own_model()
    text = to_sbml(model, regimen=replace(bitesim.Regimen.none(), resets=(1.0,)), start=[0.1 + 0.2, 7.0])
    rows = list(ElementTree.fromstring(text).iterfind(".//s:species", SBML))
    assert [float(row.get("initialAmount")) for row in rows] == [0.1 + 0.2, 7.0]
    runner = pytest.importorskip("roadrunner").RoadRunner(text)
    found = runner.simulate(times=[0.0, 0.5, 1.0], selections=["drug", "time_species"])
    np.testing.assert_array_equal(found[[0, 2]], [[0.1 + 0.2, 7.0], [0.0, 6.0]])


class Rule:
    name = "wait and see"
    outputs = ()

    def decide(self, time_days: float, values: dict[str, float]) -> Continue:
        return Continue()


def test_what_sbml_cannot_say_is_refused():
    with pytest.raises(bitesim.ScenarioError, match=r"no decision rules, and 'wait and see' at day 2"):
        to_sbml(HOSSEINI, regimen=ONE_CYCLE.with_decision(2.0, Rule()), bsa_m2=BSA_M2)
    settled = replace(bitesim.Regimen.none(), steady_states=(SteadyState(3.0, 10.0, 0.0, 1.0),))
    with pytest.raises(bitesim.ScenarioError, match="no steady-state records, and that at day 3"):
        to_sbml(HOSSEINI, regimen=settled, bsa_m2=BSA_M2)
    with pytest.raises(bitesim.ScenarioError, match="bsa_m2"):
        to_sbml(HOSSEINI, regimen="9 ug/day for 7 d")


def test_unusable_arguments_are_named():
    with pytest.raises(bitesim.ParameterError, match="do not belong to model hosseini2020"):
        to_sbml(HOSSEINI, own_model().parameters)
    with pytest.raises(bitesim.ParameterError, match="is not a Regimen"):
        to_sbml(HOSSEINI, regimen=15)
    with pytest.raises(bitesim.ParameterError, match="expected 2 finite numbers"):
        to_sbml(own_model(), start=[1.0, np.nan])
    foreign = SpeciesTable(
        (Species("drug", "ug", "drug", 1.0), Species("time", "ug", "", 1.0), Species("größe", "ug", "", 1.0))
    )
    with pytest.raises(bitesim.ParameterError, match="species 'größe' cannot be a name in SBML"):
        to_sbml(own_model(species=foreign))


def test_without_sympy_the_command_that_installs_it_is_named(monkeypatch):
    # None in sys.modules makes an import fail.
    monkeypatch.setitem(sys.modules, "bitesim.derivation.symbols", None)
    with pytest.raises(bitesim.MissingExtraError, match="SBML export needs SymPy"):
        to_sbml(HOSSEINI)


def test_the_command_writes_the_same_file(tmp_path, capsys):
    file = tmp_path / "model.xml"
    patient = ["--weight-kg", "60", "--bsa-m2", "1.7", "--blood-b-cells-per-ul", "8.3", "--set", "killing_per_day=200"]
    chosen = ["--model", "hosseini2020", "--regimen", REGIMENS[0]]
    assert main(["export", *chosen, *patient, "--to", "sbml", "--out", str(file)]) == 0
    parameters = HOSSEINI.parameters.replace(killing_per_day=200.0, b_cell_reference_per_ml=8300.0)
    assert file.read_text(encoding="utf-8") == to_sbml(HOSSEINI, parameters, REGIMENS[0], bsa_m2=1.7, weight_kg=60.0)
    assert "Research use only" in capsys.readouterr().out
    assert main(["export", *chosen, "--weight-kg", "70", "--out", str(file)]) == 2
    assert "bsa_m2" in capsys.readouterr().err
