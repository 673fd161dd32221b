"""SBML Level 3 Version 2: a model under a regimen, as a file that libRoadRunner, COPASI and others simulate.

A species of the model is a species of the file, a process a reaction, a readout an assignment rule, each under its own
name; what the pump does is events. The XML is written here and not by libSBML, whose numbers have 15 digits: every
number of the file reads back to the last bit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from bitesim.derivation.store import traced
from bitesim.engines.timeline import pieces_between
from bitesim.foundation.errors import ParameterError, ScenarioError
from bitesim.interchange import mathml
from bitesim.model import Model
from bitesim.numerics.pieces import Pieces
from bitesim.parameters import ParameterSet
from bitesim.treatment import Regimen, Schedule
from bitesim.version import __version__

if TYPE_CHECKING:
    from bitesim.derivation.symbols import TracedModel

Element = ElementTree.Element
Vector = NDArray[np.float64]

_SBML: Final = "http://www.sbml.org/sbml/level3/version2/core"
_XHTML: Final = "http://www.w3.org/1999/xhtml"
_SECONDS_PER_DAY: Final = 86400
#: Names to which libRoadRunner gives a meaning of its own.
_RESERVED: Final = ("time",)


def to_sbml(
    model: Model,
    parameters: ParameterSet | None = None,
    regimen: Regimen | str | None = None,
    *,
    bsa_m2: float | None = None,
    weight_kg: float | None = None,
    start: Sequence[float] | Vector | None = None,
) -> str:
    """Return a model under a regimen as the text of an SBML file.

    Parameters
    ----------
    model : Model
    parameters : ParameterSet, optional
        Of one patient. Default: the model's own.
    regimen : Regimen or str, optional
        A text is read by `Regimen.parse`. Default: no drug.
    bsa_m2, weight_kg : float, optional
        The patient's body surface area [m2], by which doses per m2 are carried out, and weight [kg].
    start : sequence of float, optional
        State at time 0, in the order of `model.species`. Default: the untreated patient's, written as expressions of the
        parameters, so that it follows when those are changed in the file.

    Returns
    -------
    str
        Time is in days; every quantity is in its own unit, which stands in its element's ``name``. A name that stands for
        two things in the model gets the kind of the second behind it: ``volume`` and ``volume_parameter``.

    Raises
    ------
    ScenarioError
        For what SBML cannot say (a decision rule, a steady-state record), and for doses per m2 without a BSA.
    ParameterError
        For a name that SBML does not allow, an equation that cannot be traced, parameters or a start of another model.
    MissingExtraError
        Without SymPy.

    Notes
    -----
    libRoadRunner's ``reset()`` leaves the pump at its last rate: run again after ``resetAll()``.
    """
    parameters = model.parameters if parameters is None else parameters
    if not isinstance(parameters, ParameterSet) or parameters.catalogue is not model.catalogue:
        raise ParameterError(
            f"parameters = {parameters!r} do not belong to model {model.name}: start from model.parameters.replace(...)"
        )
    regimen = _as_regimen(regimen)
    schedule = regimen.schedule(bsa_m2=bsa_m2, weight_kg=weight_kg)
    _refuse_what_sbml_lacks(schedule)
    state = None if start is None else _checked_start(model, start)
    # Resets are written as expressions of the parameters: the numbers of the reset state are not needed.
    pieces = pieces_between(model, schedule, (0.0, np.inf), bsa_m2, np.zeros(len(model.species)))
    body = "" if bsa_m2 is None else f", for a body surface area of {bsa_m2:g} m2"
    file = _File(traced(model, "SBML export"), pieces)
    file.add_head(
        f"Source: {model.source}. Parameters: {parameters.label}.",
        f"Regimen: {regimen}{body}.",
        "Time is in days. Every quantity is in its own unit, which stands behind its name; a reaction is per day.",
        *model.assumptions,
        f"Written by bitesim {__version__}. Research use only: not for treatment decisions.",
    )
    file.add_species(state)
    file.add_parameters(parameters)
    file.add_initial_assignments()
    file.add_rules()
    file.add_reactions()
    file.add_events()
    return file.text()


def _as_regimen(regimen: Any) -> Regimen:
    if regimen is None:
        return Regimen.none()
    if isinstance(regimen, str):
        return Regimen.parse(regimen)
    if not isinstance(regimen, Regimen):
        raise ParameterError(f"regimen = {regimen!r} is not a Regimen or a text such as '15 ug/m2/day for 28 d'")
    return regimen


def _refuse_what_sbml_lacks(schedule: Schedule) -> None:
    if schedule.decisions:
        point = schedule.decisions[0]
        raise ScenarioError(
            f"SBML has no decision rules, and {point.rule.name!r} at day {point.time_days:g} decides while a run goes on: "
            "export the regimen as it was carried out, with holds and stops written out"
        )
    if schedule.steady_states:
        raise ScenarioError(
            f"SBML has no steady-state records, and that at day {schedule.steady_states[0].day:g} is found by running: "
            "write its doses out, or give the state that it stands for as start="
        )


def _checked_start(model: Model, start: Sequence[float] | Vector) -> Vector:
    state = np.asarray(start, np.float64)
    if state.shape != (len(model.species),) or not np.all(np.isfinite(state)):
        raise ParameterError(
            f"start of shape {state.shape} is no state of model {model.name}: expected {len(model.species)} finite numbers"
        )
    return state


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    # A control character is not allowed in XML, not even escaped.
    clean = {key: "".join(each if each.isprintable() else " " for each in text) for key, text in attributes.items()}
    return ElementTree.SubElement(parent, tag, clean)


def _note(parent: Element, *paragraphs: str) -> None:
    notes = _add(parent, "notes")
    for text in paragraphs:
        _add(notes, "p", xmlns=_XHTML).text = "".join(each if each.isprintable() else " " for each in text)


def _plus(value: Any, jump: float) -> Any:
    """Return value + jump: a float where value is a number, else an expression."""
    if isinstance(value, float) or value.is_Number:
        return float(value) + jump
    return value + jump if jump else value


@dataclass(frozen=True)
class _Names:
    """Identifiers of the file, all different: name in the model -> identifier, kind by kind."""

    species: Mapping[str, str]
    readouts: Mapping[str, str]
    parameters: Mapping[str, str]
    processes: Mapping[str, str]
    rates: Mapping[str, str]
    infusions: Mapping[str, str]
    compartment: str
    model: str

    @classmethod
    def of(cls, model: Model, infused: Collection[str]) -> _Names:
        """Name everything of a model, and the rate and the reaction of each infused species."""
        taken = set(_RESERVED)

        def unique(name: str, kind: str) -> str:
            if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
                raise ParameterError(f"{kind} {name!r} cannot be a name in SBML: use the letters a to z, digits and _")
            while name in taken:
                name = f"{name}_{kind}"
            taken.add(name)
            return name

        return cls(
            species={name: unique(name, "species") for name in model.species},
            readouts={each.name: unique(each.name, "readout") for each in model.readouts},
            parameters={name: unique(name, "parameter") for name in model.catalogue},
            processes={name: unique(name, "process") for name in model.processes},
            rates={name: unique(f"infused_{name}_per_day", "rate") for name in infused},
            infusions={name: unique(f"infusion_of_{name}", "reaction") for name in infused},
            compartment=unique("body", "compartment"),
            # A model's own name may be any text.
            model=unique(re.sub(r"\W|^(?=\d|$)", "_", model.name, flags=re.ASCII), "model"),
        )


class _File:
    """One SBML document, whose lists are added in the order that SBML prescribes."""

    def __init__(self, equations: TracedModel, pieces: Pieces) -> None:
        self.equations, self.model, self.pieces = equations, equations.model, pieces
        given = {name: bool(np.any(rates)) for name, rates in zip(self.model.species, pieces.input_rate.T, strict=True)}
        infused = [name for name in self.model.species if given[name] or name == self.model.drug.species]
        self.names = _Names.of(self.model, infused)
        self.identifiers = {symbol: self.names.species[name] for name, symbol in equations.states.items()}
        self.identifiers |= {symbol: self.names.parameters[name] for name, symbol in equations.parameters.items()}
        self.assigned: dict[str, Any] = {}
        self.document = ElementTree.Element("sbml", {"xmlns": _SBML, "level": "3", "version": "2"})
        title = f"{self.model.name}: {self.model.title}"
        self.root = _add(self.document, "model", id=self.names.model, name=title, timeUnits="day")

    def text(self) -> str:
        """Return the whole document."""
        ElementTree.indent(self.document)
        written = ElementTree.tostring(self.document, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'

    def add_head(self, *notes: str) -> None:
        """Add the notes, the day as unit of time, and the one compartment."""
        _note(self.root, *notes)
        units = _add(_add(_add(self.root, "listOfUnitDefinitions"), "unitDefinition", id="day"), "listOfUnits")
        _add(units, "unit", kind="second", exponent="1", scale="0", multiplier=str(_SECONDS_PER_DAY))
        shape = {"spatialDimensions": "3", "size": "1", "constant": "true"}
        text = "holds every species, each an amount in its own unit"
        _add(_add(self.root, "listOfCompartments"), "compartment", id=self.names.compartment, name=text, **shape)

    def add_species(self, start: Vector | None) -> None:
        """Add the species; a start that depends on parameters is kept for `add_initial_assignments`."""
        rows = _add(self.root, "listOfSpecies")
        kind = {"hasOnlySubstanceUnits": "true", "boundaryCondition": "false", "constant": "false"}
        for position, (name, species) in enumerate(self.model.species.items()):
            identifier, first = self.names.species[name], self.equations.initial_state[name]
            if start is not None and not self.pieces.reset[0]:
                first = float(start[position])
            first = _plus(first, float(self.pieces.jump[0, position]))
            row = _add(rows, "species", id=identifier, name=f"{species.meaning} [{species.unit}]", **kind)
            row.set("compartment", self.names.compartment)
            if isinstance(first, float):
                row.set("initialAmount", repr(first))
            else:
                self.assigned[identifier] = first
            if species.symbol:
                _note(row, f"{species.symbol} in {self.model.source}")

    def add_parameters(self, values: ParameterSet) -> None:
        """Add the model's parameters, the rates of infusion, and the readouts, which have no value of their own."""
        rows = _add(self.root, "listOfParameters")
        for name, parameter in self.model.catalogue.items():
            row = _add(rows, "parameter", id=self.names.parameters[name], name=f"{parameter.meaning} [{parameter.unit}]")
            row.set("value", repr(float(values[name])))
            row.set("constant", "true")
            symbol = f"{parameter.symbol}: " if parameter.symbol else ""
            _note(row, f"{symbol}{parameter.knowledge}, {parameter.source}")
        for name, identifier in self.names.rates.items():
            species, position = self.model.species[name], self.model.species.position(name)
            row = _add(rows, "parameter", id=identifier, name=f"infusion of {species.meaning} [{species.unit}/d]")
            row.set("value", repr(float(self.pieces.input_rate[0, position])))
            row.set("constant", "false")
        for readout in self.model.readouts:
            text = f"{readout.meaning} [{readout.unit}]"
            _add(rows, "parameter", id=self.names.readouts[readout.name], name=text, constant="false")

    def add_initial_assignments(self) -> None:
        """Add the starts that depend on parameters."""
        rows = _add(self.root, "listOfInitialAssignments") if self.assigned else self.root
        for identifier, value in self.assigned.items():
            _add(rows, "initialAssignment", symbol=identifier).append(mathml.equation(value, self.identifiers))

    def add_rules(self) -> None:
        """Add what each readout is."""
        rows = _add(self.root, "listOfRules") if self.equations.readouts else self.root
        for name, expression in self.equations.readouts.items():
            rule = _add(rows, "assignmentRule", variable=self.names.readouts[name])
            rule.append(mathml.equation(expression, self.identifiers))

    def add_reactions(self) -> None:
        """Add every process with its flux, then the infusions."""
        rows = _add(self.root, "listOfReactions")
        states = {symbol: name for name, symbol in self.equations.states.items()}
        for name, changes in self.model.processes.items():
            flux = self.equations.fluxes[name]
            read = {states[symbol] for symbol in flux.free_symbols if symbol in states}
            law = mathml.equation(flux, self.identifiers)
            self._add_reaction(rows, self.names.processes[name], changes, law, read)
        for name, identifier in self.names.infusions.items():
            self._add_reaction(rows, identifier, {name: 1.0}, mathml.reference(self.names.rates[name]), set())

    def _add_reaction(
        self, rows: Element, identifier: str, changes: Mapping[str, float], law: Element, read: Collection[str]
    ) -> None:
        # A flux may be a net one, of either sign.
        row = _add(rows, "reaction", id=identifier, reversible="true")
        for tag, sign in (("listOfReactants", -1.0), ("listOfProducts", 1.0)):
            side = {name: sign * change for name, change in changes.items() if sign * change > 0.0}
            references = _add(row, tag) if side else row
            for name, change in side.items():
                amount = {"stoichiometry": repr(float(change)), "constant": "true"}
                _add(references, "speciesReference", species=self.names.species[name], **amount)
        modifiers = [name for name in self.model.species if name in read and name not in changes]
        references = _add(row, "listOfModifiers") if modifiers else row
        for name in modifiers:
            _add(references, "modifierSpeciesReference", species=self.names.species[name])
        _add(row, "kineticLaw").append(law)

    def add_events(self) -> None:
        """Add one event for each time after 0 at which the pump changes or the state jumps or is reset."""
        changes = {index: self._assignments(index) for index in range(1, len(self.pieces.boundary) - 1)}
        changes = {index: assignments for index, assignments in changes.items() if assignments}
        rows = _add(self.root, "listOfEvents") if changes else self.root
        for index, assignments in changes.items():
            day = float(self.pieces.boundary[index])
            event = _add(rows, "event", name=f"day {day:g}", useValuesFromTriggerTime="true")
            _add(event, "trigger", initialValue="true", persistent="true").append(mathml.time_reached(day))
            listed = _add(event, "listOfEventAssignments")
            for identifier, value in assignments.items():
                _add(listed, "eventAssignment", variable=identifier).append(mathml.equation(value, self.identifiers))

    def _assignments(self, index: int) -> dict[str, Any]:
        """Return identifier -> what it becomes at the start of a piece."""
        result: dict[str, Any] = {}
        for name, identifier in self.names.rates.items():
            before, after = self.pieces.input_rate[index - 1 : index + 1, self.model.species.position(name)]
            if before != after:
                result[identifier] = float(after)
        for position, name in enumerate(self.model.species):
            jump = float(self.pieces.jump[index, position])
            if self.pieces.reset[index]:
                result[self.names.species[name]] = _plus(self.equations.initial_state[name], jump)
            elif jump:
                result[self.names.species[name]] = _plus(self.equations.states[name], jump)
        return result
