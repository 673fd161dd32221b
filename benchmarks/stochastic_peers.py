"""Other stochastic simulators: each runs the same mass-action network many times with its exact method."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.problems import Matrix
from tests.problems.immune_network import REACTIONS, START

#: run(number of runs, seed) -> counts at the end, shape (runs, species) in the order of `START`.
Runs = Callable[[int, int], Matrix]


@dataclass(frozen=True)
class StochasticPeer:
    """One simulator.

    Parameters
    ----------
    name, package, module, settings : str
    make : callable make(days) -> run(number of runs, seed)
        Whatever is compiled or loaded happens in `make`.
    """

    name: str
    package: str
    module: str
    settings: str
    make: Callable[[float], Runs]

    def is_installed(self) -> bool:
        """Return whether the package can be imported."""
        return importlib.util.find_spec(self.module) is not None

    def version(self) -> str | None:
        """Return the installed version."""
        return importlib.metadata.version(self.package) if self.is_installed() else None


def _rebop(days: float) -> Runs:
    import rebop

    network = rebop.Gillespie()
    for rate, before, after in REACTIONS.values():
        network.add_reaction(rate, list(before), list(after))
    start = {name: int(count) for name, count in START.items()}

    def run(count: int, seed: int) -> Matrix:
        found = [network.run(start, tmax=days, nb_steps=1, rng=seed + k) for k in range(count)]
        return np.array([[float(each[name][-1]) for name in START] for each in found])

    return run


def _law(reaction: str) -> str:
    """Return a rate law as a formula."""
    _, before, _ = REACTIONS[reaction]
    if len(before) == 2 and before[0] == before[1]:
        return f"k_{reaction}*{before[0]}*({before[0]}-1)"
    return "*".join((f"k_{reaction}", *before))


def _gillespy2(days: float) -> Runs:
    import gillespy2

    model = gillespy2.Model(name="immune_network")
    model.add_species(
        [gillespy2.Species(name=name, initial_value=int(count), mode="discrete") for name, count in START.items()]
    )
    model.add_parameter([gillespy2.Parameter(name=f"k_{name}", expression=str(row[0])) for name, row in REACTIONS.items()])
    for name, (_, before, after) in REACTIONS.items():
        sides: list[Mapping[str, int]] = [{each: side.count(each) for each in side} for side in (before, after)]
        model.add_reaction(
            gillespy2.Reaction(name=name, reactants=sides[0], products=sides[1], propensity_function=_law(name))
        )
    model.timespan(np.array([0.0, days]))
    solver = gillespy2.SSACSolver(model=model)

    def run(count: int, seed: int) -> Matrix:
        found = model.run(solver=solver, seed=seed, number_of_trajectories=count)
        return np.array([[float(each[name][-1]) for name in START] for each in found])

    return run


def _sbml() -> str:
    """Return the network as SBML."""
    math_of = '<math xmlns="http://www.w3.org/1998/Math/MathML">{}</math>'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="immune_network">',
        '<listOfCompartments><compartment id="body" size="1" constant="true" spatialDimensions="3"/></listOfCompartments>',
        "<listOfSpecies>",
    ]
    kind = 'compartment="body" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"'
    lines += [f'<species id="{name}" initialAmount="{count}" {kind}/>' for name, count in START.items()]
    lines += ["</listOfSpecies><listOfParameters>"]
    lines += [f'<parameter id="k_{name}" value="{row[0]}" constant="true"/>' for name, row in REACTIONS.items()]
    lines += ["</listOfParameters><listOfReactions>"]
    for name, (_, before, after) in REACTIONS.items():
        lines.append(f'<reaction id="{name}" reversible="false" fast="false">')
        for tag, side in (("listOfReactants", before), ("listOfProducts", after)):
            references = [
                f'<speciesReference species="{each}" stoichiometry="{side.count(each)}" constant="true"/>'
                for each in dict.fromkeys(side)
            ]
            lines += [f"<{tag}>", *references, f"</{tag}>"] if references else []
        factors = [f"<ci>k_{name}</ci>", *(f"<ci>{each}</ci>" for each in before)]
        if len(set(before)) < len(before):
            factors[-1] = f"<apply><minus/><ci>{before[0]}</ci><cn>1</cn></apply>"
        law = factors[0] if len(factors) == 1 else f"<apply><times/>{''.join(factors)}</apply>"
        lines.append(f"<kineticLaw>{math_of.format(law)}</kineticLaw></reaction>")
    return "\n".join([*lines, "</listOfReactions></model></sbml>"])


def _roadrunner(days: float) -> Runs:
    import roadrunner

    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
    runner = roadrunner.RoadRunner(_sbml())
    runner.setIntegrator("gillespie")
    runner.getIntegrator().setValue("variable_step_size", False)

    def run(count: int, seed: int) -> Matrix:
        runner.getIntegrator().setValue("seed", seed)
        rows: list[Any] = []
        for _ in range(count):
            runner.reset()
            rows.append(np.array(runner.simulate(0.0, days, 2, selections=list(START)))[-1])
        return np.array(rows)

    return run


PEERS: Final = (
    StochasticPeer("rebop", "rebop", "rebop", "Rust, direct method, mass action", _rebop),
    StochasticPeer(
        "GillesPy2 C++", "gillespy2", "gillespy2", "SSACSolver, compiled for the model before timing", _gillespy2
    ),
    StochasticPeer("libRoadRunner", "libroadrunner", "roadrunner", "integrator gillespie, from SBML, LLVM", _roadrunner),
)


def differ_by(one: Matrix, other: Matrix) -> tuple[float, float]:
    """Return how far two simulators' answers are apart, in standard errors: largest of the means, and of the log variances.

    Standard errors of the variances are those of nearly normal counts.
    """
    sizes = len(one), len(other)
    variances = one.var(axis=0, ddof=1), other.var(axis=0, ddof=1)
    error = np.sqrt(variances[0] / sizes[0] + variances[1] / sizes[1])
    spread = math.sqrt(2.0 / (sizes[0] - 1) + 2.0 / (sizes[1] - 1))
    means = np.abs(one.mean(axis=0) - other.mean(axis=0)) / error
    return float(means.max()), float(np.max(np.abs(np.log(variances[0] / variances[1]))) / spread)
