"""The Model: one object that gathers what a model package wrote and that every engine runs."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from bitesim.foundation.errors import DerivationWarning, ParameterError, unknown_name
from bitesim.foundation.records import record_type
from bitesim.model import rate_of_change
from bitesim.model.clones import Clone
from bitesim.model.derived import Derived, equations_digest
from bitesim.model.processes import Processes
from bitesim.model.readouts import Readout
from bitesim.model.species import Species, SpeciesTable
from bitesim.parameters import Catalogue, ParameterSet


@dataclass(frozen=True)
class DrugInput:
    """Where a regimen's drug enters.

    Parameters
    ----------
    species : str
        Species that the pump fills.
    per_m2 : bool
        True where that species is an amount per body surface area: doses are divided by the patient's BSA.
    """

    species: str
    per_m2: bool = False


@dataclass(frozen=True)
class InputPulse:
    """A state jump fired when an infusion starts after at least `quiet_days` without input.

    Nothing was given before time 0, so an infusion that starts at time 0 always fires it.
    """

    jumps: Mapping[str, float]
    quiet_days: float


@dataclass(frozen=True)
class CovariateLink:
    """A patient's covariate that sets a parameter: value * factor.

    Where `needed_with` names another covariate, a patient who has that one must have this one: the default belongs to a
    patient of whom neither is known.
    """

    covariate: str
    parameter: str
    factor: float = 1.0
    needed_with: str = ""


@dataclass(frozen=True)
class AgeDefault:
    """A parameter whose default is that of an adult: without its covariate, children have it times relative(age_years)."""

    parameter: str
    relative: Callable[[float], float]


@dataclass(frozen=True)
class Balance:
    """A conservation law: sum of weight * species changes only by what is delivered into the drug input."""

    name: str
    weights: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Model:
    """A model of a patient under treatment.

    Parameters
    ----------
    name, title, source : str
    parameters : ParameterSet
        Default values; its catalogue names the record that `fluxes` reads as ``p``.
    species : SpeciesTable
    processes : Processes
    fluxes : kernel fluxes(s, p, f)
        Writes the flux of every process [species unit / d], by name.
    initial_state : kernel initial_state(p, s)
        Writes the untreated patient's state, by name.
    readouts : tuple of Readout
    read : kernel read(s, p, r)
        Writes every readout, by name.
    drug : DrugInput
    covariates : tuple of CovariateLink
    age_defaults : tuple of AgeDefault
    pulses : tuple of InputPulse
    balances : tuple of Balance
    clones : tuple of Clone
        Clones that an engine may count cell by cell.
    clone_fluxes : kernel clone_fluxes(s, p, f), optional
        The part of `fluxes` that writes what clones name, for engines that look at clones alone.
    dexamethasone : str
        Species that premedication fills [mg]; without one it is only logged.
    assumptions : tuple of str
        What the user should know, in sentences.
    derived : Derived or str, optional
        What `bitesim derive` made of the equations, or the module whose ``DERIVED`` it is; without it the model runs on
        a dense Jacobian.
    """

    name: str
    title: str
    source: str
    parameters: ParameterSet
    species: SpeciesTable
    processes: Processes
    fluxes: Callable[..., None]
    initial_state: Callable[..., None]
    readouts: tuple[Readout, ...]
    read: Callable[..., None]
    drug: DrugInput
    covariates: tuple[CovariateLink, ...] = ()
    age_defaults: tuple[AgeDefault, ...] = ()
    pulses: tuple[InputPulse, ...] = ()
    balances: tuple[Balance, ...] = ()
    clones: tuple[Clone, ...] = ()
    clone_fluxes: Callable[..., None] | None = None
    dexamethasone: str = ""
    assumptions: tuple[str, ...] = field(default=())
    derived: Derived | str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.processes.matrix(self.species)
        names = [*self.species, *(readout.name for readout in self.readouts)]
        if len(set(names)) != len(names):
            raise ParameterError(f"model {self.name}: a readout has the name of a species or stands twice")
        mentioned = [self.drug.species, *([self.dexamethasone] if self.dexamethasone else [])]
        mentioned += [species for pulse in self.pulses for species in pulse.jumps]
        mentioned += [species for balance in self.balances for species in balance.weights]
        mentioned += [species for clone in self.clones for species in clone.species]
        for species in mentioned:
            self.species[species]
        for process in [process for clone in self.clones for process in clone.processes]:
            if process not in self.processes:
                raise unknown_name(f"process of model {self.name}", process, self.processes)
        for parameter in [*(link.parameter for link in self.covariates), *(each.parameter for each in self.age_defaults)]:
            self.catalogue[parameter]

    def __repr__(self) -> str:
        return f"<Model {self.name}: {len(self.species)} states, {len(self.processes)} processes, {self.title}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(f"model {self.name} holds compiled code: send its name to another process, not the model itself")

    @property
    def catalogue(self) -> Catalogue:
        """Catalogue of the model's parameters."""
        return self.parameters.catalogue

    @cached_property
    def equations_digest(self) -> str:
        """SHA-256 of the equations, the names and the process table."""
        return equations_digest(self)

    @cached_property
    def derivatives(self) -> Derived | None:
        """The straight-line code that belongs to the equations as they are now; None without, or where it is outdated."""
        derived = self.derived
        if isinstance(derived, str):
            try:
                # A module of thousands of lines, which nobody needs who does not run the model.
                derived = cast(Derived, importlib.import_module(derived).DERIVED)
            except ModuleNotFoundError:
                derived = None
        if derived is not None and derived.digest != self.equations_digest:
            warnings.warn(
                f"the equations of model {self.name} were changed after its derivatives were derived: it runs on a dense "
                f"Jacobian, which is slower; derive them anew with `bitesim derive`",
                DerivationWarning,
                stacklevel=2,
            )
            return None
        return derived

    @cached_property
    def rhs(self) -> Callable[..., None]:
        """Right-hand side over flat vectors."""
        return rate_of_change.right_hand_side(self.fluxes, self.species, self.processes, self.catalogue.record_type)

    @cached_property
    def jacobian(self) -> Callable[..., None]:
        """Dense Jacobian over flat vectors."""
        return rate_of_change.jacobian(self.fluxes, self.species, self.processes, self.catalogue.record_type)

    @cached_property
    def readout_kernel(self) -> Callable[..., None]:
        """Readouts of many states over flat vectors."""
        outputs = record_type(tuple(readout.name for readout in self.readouts))
        return rate_of_change.readout_kernel(self.read, self.species, outputs, self.catalogue.record_type)

    @cached_property
    def flux_kernel(self) -> Callable[..., None]:
        """Fluxes of many states over flat vectors."""
        return rate_of_change.flux_kernel(self.fluxes, self.species, self.processes, self.catalogue.record_type)

    @cached_property
    def clone_flux_kernel(self) -> Callable[..., None]:
        """Fluxes that clones name, of many states over flat vectors; others need not be written."""
        if self.clone_fluxes is None:
            return self.flux_kernel
        return rate_of_change.flux_kernel(self.clone_fluxes, self.species, self.processes, self.catalogue.record_type)

    @cached_property
    def initial_kernel(self) -> Callable[..., None]:
        """Initial state over flat vectors."""
        return rate_of_change.initial_kernel(self.initial_state, self.species, self.catalogue.record_type)

    @property
    def workspace_size(self) -> int:
        """Floats of workspace that `rhs` and `jacobian` need."""
        return rate_of_change.workspace_size(self.species, self.processes)

    @cached_property
    def units(self) -> dict[str, str]:
        """Name -> unit of every readout and species."""
        rows: list[Readout | Species] = [*self.readouts, *self.species.values()]
        return {row.name: row.unit for row in rows}

    @cached_property
    def symbols(self) -> dict[str, str]:
        """Symbol in the cited paper -> name, for readouts and species that have one."""
        rows: list[Readout | Species] = [*self.readouts, *self.species.values()]
        return {row.symbol: row.name for row in rows if row.symbol}

    def individual_parameters(self, parameters: ParameterSet, covariates: Mapping[str, float | None]) -> ParameterSet:
        """Return `parameters` with what the patient's covariates set; a covariate that is None sets nothing.

        Raises
        ------
        ParameterError
            Where a covariate is missing that the model needs beside one that is given.
        """
        changes = {}
        for link in self.covariates:
            value, beside = covariates.get(link.covariate), covariates.get(link.needed_with)
            if value is None and beside is not None:
                raise ParameterError(
                    f"model {self.name} needs {link.covariate}= of a patient with {link.needed_with} = {beside:g}: it is "
                    f"the {self.catalogue[link.parameter].meaning}, and its default, "
                    f"{self.parameters[link.parameter]:g}, is that of an adult of unknown size"
                )
            if value is not None:
                changes[link.parameter] = value * link.factor
        age = covariates.get("age_years")
        for default in self.age_defaults:
            # A value that somebody chose is that of the patient.
            adult = self.catalogue[default.parameter].default
            if age is not None and default.parameter not in changes and parameters[default.parameter] == adult:
                changes[default.parameter] = adult * default.relative(age)
        return parameters.replace(**changes) if changes else parameters

    def input_species(self, compartment: str | int) -> str:
        """Return the species that a dose into `compartment` fills: 'drug', a species, or its number from 1."""
        if compartment == "drug":
            return self.drug.species
        names = list(self.species)
        if isinstance(compartment, int):
            if not 1 <= compartment <= len(names):
                raise ParameterError(
                    f"compartment {compartment} does not exist in model {self.name}: expected 1 to {len(names)}, "
                    f"a species name, or 'drug' ({self.drug.species})"
                )
            return names[compartment - 1]
        if compartment not in self.species:
            raise unknown_name(f"compartment of model {self.name}", compartment, ["drug", *names])
        return compartment
