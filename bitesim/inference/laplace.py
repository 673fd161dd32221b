"""Laplace's approximation at a maximum: covariance of the scores, intervals, and what the data do not tell.

The Hessian is that of the posterior itself, by central differences of its exact gradient, not the expected information.
Where it is not positive definite the point is no maximum in every direction: that is said with the direction's name, and
the expected information, which always is, stands in for it. Intervals are those of the scores, carried over to the
parameters: they never leave a prior's range and need not be symmetric.

What the data tell is read from the expected information of the observations on the scores, in which the prior of every
direction weighs 1. A direction with none is a combination that no value of these observations could see (rank deficit); a
parameter whose SD is still more than nine tenths of its prior's keeps its prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bitesim.foundation.checks import number
from bitesim.inference.posterior import PatientPosterior

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
#: A parameter of which the data left more than this share of the prior's SD keeps its prior.
KEEPS_PRIOR: Final = 0.9
#: Information on a direction relative to the best known one below which it has none, and largest in units of the prior.
_DEFICIT, _LARGEST_DEFICIT = 1e-8, 1e-3
#: A parameter takes part in a direction from this share of it on.
_PART: Final = 1e-3
#: Step of the differences in standard deviations.
_STEP: Final = 0.02
#: Tolerance of the solver at most: differences of a coarser gradient would be of its steps.
_RTOL: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Laplace:
    """The normal approximation of a posterior over scores.

    Parameters
    ----------
    names : tuple of str
    scores : ndarray
        The maximum.
    covariance : ndarray, shape (parameters, parameters)
        Of the scores.
    hessian : ndarray
        Of minus the log posterior by the scores.
    data_information : ndarray
        Expected information of the observations on the scores.
    log_evidence : float
        ln of the data's probability, as this approximation has it.
    problem : str
        What is wrong with the Hessian; empty where nothing is.
    """

    names: tuple[str, ...]
    scores: Vector
    covariance: Matrix
    hessian: Matrix
    data_information: Matrix
    log_evidence: float
    problem: str = ""

    @property
    def sd(self) -> Vector:
        """SD of each score, that of its prior being 1."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, level: float = 0.9) -> tuple[Vector, Vector]:
        """Return the ends of each score's interval.

        Raises
        ------
        ParameterError
            For a level outside 0 to 1.
        """
        level = number("level", level, "-", (1e-6, 1.0 - 1e-6), "It is a probability: 90 % is 0.9.")
        half = float(ndtri(0.5 + 0.5 * level)) * self.sd
        return self.scores - half, self.scores + half

    def kept_priors(self) -> tuple[str, ...]:
        """Return the parameters that keep their prior: the data left nine tenths of its SD or more."""
        return tuple(name for name, sd in zip(self.names, self.sd, strict=True) if sd > KEEPS_PRIOR)

    def unseen_combinations(self) -> tuple[tuple[str, ...], ...]:
        """Return the groups of parameters of which the data fix combinations only, two or more names each."""
        return tuple(group for group in self._unseen() if len(group) > 1)

    def unseen_parameters(self) -> tuple[str, ...]:
        """Return the parameters that no observation depends on."""
        return tuple(group[0] for group in self._unseen() if len(group) == 1)

    @property
    def rank_deficit(self) -> int:
        """Directions of the search space on which the observations have no information."""
        return len(self._null_space().T)

    def _null_space(self) -> Matrix:
        values, vectors = np.linalg.eigh(self.data_information)
        nothing = values <= min(_DEFICIT * max(float(values[-1]), 0.0), _LARGEST_DEFICIT)
        if not values[-1] > 0.0:
            nothing[:] = True
        return np.asarray(vectors[:, nothing])

    def _unseen(self) -> list[tuple[str, ...]]:
        """Return the parameters that the directions without information connect."""
        space = self._null_space()
        if not space.size:
            return []
        together = np.abs(space @ space.T) > _PART
        groups: list[tuple[str, ...]] = []
        waiting = [place for place in range(len(self.names)) if together[place, place]]
        while waiting:
            reached, new = set(), {waiting[0]}
            while new:
                reached |= new
                new = {other for place in new for other in np.flatnonzero(together[place]).tolist()} - reached
            groups.append(tuple(self.names[place] for place in sorted(reached)))
            waiting = [place for place in waiting if place not in reached]
        return groups

    def _fixed_of(self, group: tuple[str, ...]) -> str:
        """Return how many combinations of a group the data fix."""
        space = self._null_space()
        unseen = round(sum(float(space[self.names.index(name)] @ space[self.names.index(name)]) for name in group))
        count = len(group) - unseen
        fixed = {0: "no combination", 1: "a single combination"}.get(count, f"{count} combinations")
        joined = " and ".join(group) if len(group) < 4 else f"these {len(group)}: {', '.join(group)}"
        return f"the data fix {fixed} of {joined}. Alone, each is as its prior lets it be"

    def findings(self) -> list[str]:
        """Return in sentences what the data do not tell, and what is wrong with the Hessian."""
        found = [self.problem] if self.problem else []
        for group in self.unseen_combinations():
            found.append(self._fixed_of(group))
        kept = self.kept_priors()
        if kept:
            found.append(f"not identified, keeps its prior: {', '.join(kept)}")
        return found


def laplace(posterior: PatientPosterior, scores: Vector) -> Laplace:
    """Return Laplace's approximation of a posterior at its maximum.

    Raises
    ------
    SolverError
        Where the model cannot be solved beside the maximum.
    """
    exact = posterior.at_tolerance(_RTOL) if posterior.rtol > _RTOL else posterior
    here = exact.evaluate(scores)
    expected = np.eye(len(scores)) + here.data_information
    hessian = _hessian(exact, scores, _STEP / np.sqrt(np.diag(expected)))
    values, vectors = np.linalg.eigh(hessian)
    problem = ""
    if not values[0] > 0.0:
        parts = np.argsort(-np.abs(vectors[:, 0]))[:2]
        involved = " and ".join(exact.names[place] for place in parts if abs(vectors[place, 0]) > 0.1)
        problem = (
            f"the Hessian is not positive definite (smallest eigenvalue {values[0]:.3g}, along {involved}): this is no "
            "maximum in every direction, and the expected information stands in for it"
        )
        hessian = expected
        values = np.linalg.eigvalsh(hessian)
    covariance = np.linalg.inv(hessian)
    evidence = here.log_posterior + 0.5 * len(scores) * math.log(2.0 * math.pi) - 0.5 * float(np.log(values).sum())
    return Laplace(exact.names, scores, 0.5 * (covariance + covariance.T), hessian, here.data_information, evidence, problem)


def _hessian(posterior: PatientPosterior, scores: Vector, steps: Vector) -> Matrix:
    """Return minus the second derivatives, by central differences of the gradient."""
    rows = []
    for place, step in enumerate(steps):
        shift = np.zeros(len(scores))
        shift[place] = step
        later, earlier = posterior.evaluate(scores + shift), posterior.evaluate(scores - shift)
        rows.append((earlier.gradient - later.gradient) / (2.0 * step))
    hessian = np.array(rows)
    return np.asarray(0.5 * (hessian + hessian.T))
