"""Virtual patients: a table of covariates and parameters, drawn from a recipe, that grows without changing anybody."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import shown, whole_number
from bitesim.foundation.errors import ParameterError, needs_extra, unknown_name
from bitesim.foundation.provenance import installed_versions, source_digest
from bitesim.foundation.random_streams import seed_entropy
from bitesim.model import Model
from bitesim.parameters import ParameterSet
from bitesim.population import population_files
from bitesim.population.growth import Growth
from bitesim.population.individuals import parameter_table, patient_and_parameters
from bitesim.population.recipe import DERIVED, Recipe, body_mass_index
from bitesim.population.targets import Target
from bitesim.population.variability import Variability
from bitesim.population.weighting import Weighting, weigh
from bitesim.published import find_model
from bitesim.version import __version__

Vector = NDArray[np.float64]
_MOST_PATIENTS = 2**32 - 1


@dataclass(frozen=True, eq=False)
class VirtualPopulation:
    """Virtual patients, read by name: ``population["age_years"]`` has shape (patients,).

    Make one with `sample`, or read one with `load`.

    Parameters
    ----------
    columns : mapping of str to ndarray
        Values of `Patient` and parameters of the model; ``female`` is 0 or 1. They cannot be written to.
    patients : ndarray of uint64
        Numbers of the patients, the keys of their draws.
    attempts : ndarray of int
        How many draws of each patient lay outside the limits.
    recipe : Recipe
        What they were drawn from.
    origin : tuple of mapping
        Versions that drew them, with the numbers of the patients ``[first, stop)``.
    """

    columns: Mapping[str, Vector]
    patients: NDArray[np.uint64]
    attempts: NDArray[np.int64]
    recipe: Recipe
    origin: tuple[Mapping[str, Any], ...]

    def __post_init__(self) -> None:
        columns = {name: _frozen(np.asarray(values, np.float64)) for name, values in self.columns.items()}
        object.__setattr__(self, "columns", MappingProxyType(columns))
        object.__setattr__(self, "patients", _frozen(np.asarray(self.patients, np.uint64)))
        object.__setattr__(self, "attempts", _frozen(np.asarray(self.attempts, np.int64)))

    @classmethod
    def sample(
        cls,
        patients: int,
        *,
        seed: int | np.random.SeedSequence | np.random.Generator | None = None,
        model: str | Model | None = None,
        variability: Variability | None = None,
        covariates: Growth | None = None,
        limits: Mapping[str, tuple[float | None, float | None]] | None = None,
    ) -> VirtualPopulation:
        """Draw virtual patients.

        Parameters
        ----------
        patients : int
            How many, 1 to 4e9.
        seed : int, SeedSequence, Generator or None
            None takes a fresh one; it is kept and shown.
        model : str or Model, optional
            Default: the leukaemia model.
        variability : Variability, optional
            Parameters and values of `Patient` that vary. Default: what the model's catalogue says.
        covariates : Growth, optional
            Sex, age, size and CD8 T cells. Default: everybody has the reference body of `Patient`.
        limits : mapping of str to (float, float), optional
            Quantity, or ``bmi_kg_per_m2``, and its closed range; None is an open end. A patient outside is drawn anew, as is
            one who lies outside what `Patient` and the catalogue allow.

        Raises
        ------
        ParameterError
            For input that cannot be used, by name; for limits that reject more than 99 % of the draws.
        """
        chosen = find_model(model)
        for name, value, kind in (("variability", variability, Variability), ("covariates", covariates, Growth)):
            if value is not None and not isinstance(value, kind):
                raise ParameterError(
                    f"{name} = {shown(value)} is no {kind.__name__}: write bitesim.population.{kind.__name__}"
                )
        if limits is not None and not isinstance(limits, Mapping):
            raise ParameterError(f"limits = {shown(limits)}: expected name -> (low, high), e.g. {{'mrd': (1e-6, 0.05)}}")
        spread = Variability.of_catalogue(chosen) if variability is None else variability
        recipe = Recipe(chosen, seed_entropy(seed), spread, covariates, dict(limits or {}))  # type: ignore[arg-type]
        population = _drawn(recipe, 0, whole_number("patients", patients, (1, _MOST_PATIENTS)))
        # Whoever cannot be simulated is found now.
        population.patient(0)
        return population

    @property
    def model(self) -> Model:
        """The model whose parameters vary."""
        return self.recipe.model

    @property
    def seed(self) -> int:
        """The seed of every draw."""
        return self.recipe.seed

    @property
    def rejected_share(self) -> float:
        """Share of all draws that lay outside the limits [-]."""
        return float(self.attempts.sum() / (len(self) + self.attempts.sum()))

    def __len__(self) -> int:
        return len(self.patients)

    def __getitem__(self, name: str) -> Vector:
        if name in self.columns:
            return self.columns[name]
        index = body_mass_index(self.columns) if name in DERIVED else None
        if index is None:
            raise unknown_name("quantity of this population", name, [*self.columns, *DERIVED])
        return index

    def _ipython_key_completions_(self) -> list[str]:
        return [*self.columns]

    def grow(self, patients: int) -> VirtualPopulation:
        """Return a population of so many patients, whose first ones are these, byte for byte.

        Raises
        ------
        ParameterError
            For fewer patients than there are, and for a subset.
        """
        wanted = whole_number("patients", patients, (1, _MOST_PATIENTS))
        if wanted < len(self):
            raise ParameterError(f"patients = {wanted}, but there are {len(self)}: take population.subset(range({wanted}))")
        if not np.array_equal(self.patients, np.arange(len(self), dtype=np.uint64)):
            raise ParameterError("this is a subset of a population: grow the whole one, then take the subset")
        if wanted == len(self):
            return self
        added = _drawn(self.recipe, len(self), wanted)
        columns = {name: np.concatenate([values, added.columns[name]]) for name, values in self.columns.items()}
        return VirtualPopulation(
            columns,
            np.concatenate([self.patients, added.patients]),
            np.concatenate([self.attempts, added.attempts]),
            self.recipe,
            (*self.origin, *added.origin),
        )

    def subset(self, chosen: Sequence[int] | NDArray[Any] | range) -> VirtualPopulation:
        """Return some patients, by a mask of length (patients,) or by their rows; they keep their numbers."""
        rows = np.asarray(chosen)
        if rows.dtype == bool and rows.shape == (len(self),):
            rows = np.flatnonzero(rows)
        if rows.ndim != 1 or not len(rows) or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= len(self):
            hint = f"expected a mask of shape ({len(self)},) true for somebody, or rows from 0 to {len(self) - 1}"
            raise ParameterError(f"chosen = {shown(chosen)}: {hint}")
        columns = {name: values[rows] for name, values in self.columns.items()}
        return VirtualPopulation(columns, self.patients[rows], self.attempts[rows], self.recipe, self.origin)

    def patient(self, row: int) -> tuple[Any, ParameterSet]:
        """Return one row for `simulate`: the `Patient`, and the parameter set to be handed in as ``parameters=``."""
        place = whole_number("row", row, (0, len(self) - 1), "Rows are counted from 0.")
        values = {name: float(column[place]) for name, column in self.columns.items()}
        return patient_and_parameters(self.model, values, f"patient {self.patients[place]}")

    def cohort_arguments(self) -> dict[str, Any]:
        """Return what `run_cohort` and `stream_cohort` take of the patients, as keyword arguments.

        ``bitesim.run_cohort(regimen=..., times_days=..., **population.cohort_arguments())``: row i is then, bit for bit,
        what `simulate` gives for ``population.patient(i)``.
        """
        first, _ = self.patient(0)
        sizes = {name: self.columns.get(name, getattr(first, name)) for name in ("bsa_m2", "weight_kg")}
        return {
            "model": self.model,
            "parameters": lambda start, stop: parameter_table(self.model, self.columns, start, stop),
            "patients": len(self),
            **sizes,
        }

    def weighted(self, targets: Sequence[Target], weights: Sequence[float] | Vector | None = None) -> Weighting:
        """Return the weights nearest to the present ones with which this population has published summaries; see `weigh`."""
        return weigh(self, targets, weights, patients=len(self))

    def digest(self) -> str:
        """Return the SHA-256 of every number in it, with the names; floats count to their last bit."""
        digest = hashlib.sha256(self.patients.tobytes() + self.attempts.tobytes())
        for name, values in self.columns.items():
            digest.update(name.encode() + b"\0" + values.tobytes())
        return digest.hexdigest()

    def provenance(self) -> dict[str, Any]:
        """Return what it depends on, as plain values: recipe with the seed, versions, rejected draws, digest."""
        return {
            "bitesim": "virtual population",
            "recipe": self.recipe.as_dict(),
            "origin": [dict(each) for each in self.origin],
            "patients": len(self),
            "rejected_share": self.rejected_share,
            "digest": self.digest(),
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as ``.csv``, with the provenance as first line, or as ``.parquet``, which needs pyarrow."""
        population_files.save(path, self.patients, self.attempts, self.columns, self.provenance())

    @classmethod
    def load(cls, path: str | PathLike[str], model: str | Model | None = None) -> VirtualPopulation:
        """Read what `save` wrote, to the last bit; `model` is needed for a model of your own only.

        Raises
        ------
        ParameterError
            For a file of something else, and for one whose numbers were changed.
        """
        content = population_files.load(path, model)
        population = cls(content.columns, content.patients, content.attempts, content.recipe, content.origin)
        if population.digest() != content.digest:
            raise ParameterError(f"{path}: the numbers are not those that were saved: was the file edited?")
        return population

    def to_dataframe(self) -> Any:
        """Return a pandas DataFrame, one row a patient: its number, then the columns.

        Raises
        ------
        MissingExtraError
            Without pandas.
        """
        try:
            import pandas as pd
        except ImportError as problem:
            raise needs_extra("pandas", "data", "to_dataframe") from problem
        return pd.DataFrame({"patient": self.patients, **self.columns})

    def __repr__(self) -> str:
        return f"<VirtualPopulation {self.model.name}, {len(self)} patients, seed {self.seed}: {', '.join(self.columns)}>"

    def __str__(self) -> str:
        lines = [f"{name:34s}{low:>12.4g}{middle:>12.4g}{high:>12.4g}" for name, (low, middle, high) in self._summary()]
        head = f"{'':34s}{'5 %':>12s}{'median':>12s}{'95 %':>12s}"
        return "\n".join([self._caption(), head, *lines])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in ("quantity", "5 %", "median", "95 %"))
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td>{''.join(f'<td>{value:.4g}</td>' for value in values)}</tr>"
            for name, values in self._summary()
        )
        return f"<table><caption>{html.escape(self._caption())}</caption><tr>{head}</tr>{rows}</table>"

    def _caption(self) -> str:
        return (
            f"{len(self)} virtual patients of {self.model.name}, seed {self.seed}; "
            f"{self.rejected_share:.1%} of the draws lay outside the limits"
        )

    def _summary(self) -> list[tuple[str, Vector]]:
        return [(name, np.quantile(values, [0.05, 0.5, 0.95])) for name, values in self.columns.items()]


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    copy = np.ascontiguousarray(values).copy()
    copy.flags.writeable = False
    return copy


def _drawn(recipe: Recipe, first: int, stop: int) -> VirtualPopulation:
    patients = np.arange(first, stop, dtype=np.uint64)
    columns, attempts = recipe.rows(patients)
    origin = {
        "patients": [first, stop],
        "bitesim_version": __version__,
        "sources_sha256": source_digest(),
        "versions": {name: installed_versions()[name] for name in ("python", "platform", "numpy", "scipy")},
    }
    return VirtualPopulation(columns, patients, attempts, recipe, (origin,))
