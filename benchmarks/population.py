"""Different patients of a problem, drawn so that each depends on the seed and its own row alone."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.special import ndtri

import bitesim
from benchmarks.problems import STIFF, Matrix, Problem, Vector, has_stiff, leukaemia, published, stiff

SEED: Final = 1
_SPREAD: Final = 0.3
_VARIED: Final = f"every parameter log-normal around its default, sd {_SPREAD:g}, clipped to its bounds; seed {SEED}"
#: What one step of Philox's counter gives.
_NUMBERS_PER_COUNT: Final = 4


@dataclass(frozen=True, eq=False)
class Population:
    """Different patients of one problem.

    Parameters
    ----------
    problem : Problem
    parameters : ndarray, shape (patients, parameters)
    drawn : str
        How, in a sentence.
    """

    problem: Problem
    parameters: Matrix
    drawn: str

    def __len__(self) -> int:
        return len(self.parameters)

    @cached_property
    def patients(self) -> list[Problem]:
        """The problem of each patient."""
        return [self.problem.of(row) for row in self.parameters]


def standard_normal_rows(seed: int, first: int, stop: int, columns: int) -> Matrix:
    """Return rows [first, stop) of an endless table of standard normal numbers.

    A row has its own stretch of Philox's counter, and each number takes one uniform number, so that a row depends neither
    on the others nor on how many are asked for at once.
    """
    counts = -(-columns // _NUMBERS_PER_COUNT)
    stream = np.random.Generator(np.random.Philox(key=seed, counter=first * counts))
    uniform = stream.random((stop - first, counts * _NUMBERS_PER_COUNT))[:, :columns]
    # `random` gives multiples of 2**-53 from 0: the middle of each cell is never 0 or 1 (the last rounds to the one below).
    return np.asarray(ndtri(np.minimum(uniform + 2.0**-54, 1.0 - 2.0**-53)))


def published_rows(first: int, stop: int, seed: int = SEED) -> Matrix:
    """Return rows [first, stop) of varied patients of hosseini2020, for `stream_cohort`."""
    return varied_rows("hosseini2020", first, stop, seed)


def varied_rows(model_name: str, first: int, stop: int, seed: int = SEED) -> Matrix:
    """Return rows [first, stop) of varied patients of a model.

    Every parameter is log-normal around its default with a standard deviation of 0.3, and moved to the bound that it would
    exceed.
    """
    model = bitesim.MODELS[model_name]
    bounds = np.array([row.bounds for row in model.catalogue.values()])
    draws = standard_normal_rows(seed, first, stop, len(bounds))
    return np.asarray(np.clip(model.parameters.vector() * np.exp(_SPREAD * draws), *bounds.T))


def published_population(count: int) -> Population:
    """Return varied patients of the published model."""
    return Population(published(), published_rows(0, count), _VARIED)


def leukaemia_population(count: int) -> Population:
    """Return varied patients of bitesim's own model."""
    return Population(leukaemia(), varied_rows("leukaemia", 0, count), _VARIED)


def stiff_population(count: int) -> Population:
    """Return varied patients of the stiff test model; no parameter that its readouts read varies."""
    rows: Vector = importlib.import_module(STIFF).population(count, SEED)
    return Population(stiff(), rows, f"{STIFF}.population({count}, {SEED}): log-normal, sd 0.3 to 1.5 by parameter")


def populations(count: int) -> tuple[Population, ...]:
    """Return the varied patients of every problem that this checkout holds."""
    own = (published_population(count), leukaemia_population(count))
    return (*own, stiff_population(count)) if has_stiff() else own
