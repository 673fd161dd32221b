"""What the body does to its marrow: drug, T cells that arrive, room for T cells, from a run of the leukaemia model.

Assumption (the body leads): drug, influx and the T-cell ceiling come from a run of the whole-body model; what happens in the
niche acts back through the spatial factor only. Alternatives: to replace the body's marrow by the niche at every coupling,
which would blow the luck of a million cells up to 1e12. What it changes: T cells that multiply in the niche do not appear in
blood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.deterministic import Case, Settings, initial_state, run_ode
from bitesim.engines.trajectory import Trajectory
from bitesim.foundation.errors import ScenarioError
from bitesim.leukaemia import LEUKAEMIA
from bitesim.leukaemia import quantities as q
from bitesim.mechanisms import t_cell_dynamics
from bitesim.niche.design import NicheDesign
from bitesim.niche.rates import record_of
from bitesim.parameters import ParameterSet

#: Fluxes of T cells into marrow, by the state in which they come.
_INFLUX: Final = (
    ("resting_sinus_to_marrow", "primed_sinus_to_marrow", "t_cell_renewal_marrow"),
    ("activated_sinus_to_marrow",),
    ("exhausted_sinus_to_marrow",),
)
_MARROW_T_CELLS: Final = (
    ("resting_t_cells_marrow", "primed_t_cells_marrow"),
    ("activated_t_cells_marrow",),
    ("exhausted_t_cells_marrow",),
)
#: Marrow with its own cells is packed; T cells squeeze through.
_PACKED, _SWAP = 0.9, 0.1


@dataclass(frozen=True, eq=False)
class Body:
    """The body's course at the times of coupling.

    Parameters
    ----------
    times_days : ndarray, shape (times,)
    drug_pg_per_ml, room : ndarray, shape (times,)
        Free drug in serum; factor on T-cell division by the body's ceiling.
    influx_per_cell : ndarray, shape (times, 3)
        T cells that enter marrow per marrow cell and day, by state.
    course : Trajectory
    """

    times_days: NDArray[np.float64]
    drug_pg_per_ml: NDArray[np.float64]
    room: NDArray[np.float64]
    influx_per_cell: NDArray[np.float64]
    course: Trajectory


def body_of(case: Case, times_days: NDArray[np.float64], settings: Settings | None = None) -> Body:
    """Run the whole-body model and return what the niche needs of it.

    Raises
    ------
    ScenarioError
        For another model than the leukaemia model.
    """
    model = case.model
    if model is not LEUKAEMIA:
        raise ScenarioError(f"the niche engine knows the marrow of the leukaemia model; model {model.name} has none")
    course = run_ode(case, times_days, settings)
    states = np.column_stack([course[name] for name in model.species])
    vector, p = case.parameters.vector(), record_of(case.parameters)
    fluxes = np.zeros((len(states), len(model.processes)))
    model.flux_kernel(np.ascontiguousarray(states), vector, fluxes)
    place = {name: column for column, name in enumerate(model.processes)}
    influx = np.column_stack([fluxes[:, [place[name] for name in names]].sum(axis=1) for names in _INFLUX])
    records = states.view(model.species.record_type)[:, 0]
    t_cells, at_rest = np.array([float(q.t_cells(s)) for s in records]), float(q.t_cells_at_rest(p))
    room = np.array([float(t_cell_dynamics.room_to_divide(each, at_rest, p)) for each in t_cells])
    drug = np.array([float(q.serum_drug_pg_per_ml(s, p)) for s in records])
    return Body(times_days, np.maximum(drug, 0.0), room, influx / float(q.marrow_cells(p)), course)


def marrow_t_cells(parameters: ParameterSet) -> NDArray[np.float64]:
    """Return T cells per marrow cell before treatment, by state."""
    state = initial_state(LEUKAEMIA, parameters)
    places = {name: column for column, name in enumerate(LEUKAEMIA.species)}
    counts = np.array([sum(state[places[name]] for name in names) for names in _MARROW_T_CELLS])
    return np.asarray(counts / float(q.marrow_cells(record_of(parameters))))


def design_of(parameters: ParameterSet, base: NicheDesign | None = None) -> NicheDesign:
    """Return a design with a patient's blasts and T cells before treatment; the rest as in `base`, or packed marrow."""
    given = NicheDesign(cells_per_site=_PACKED, swap_chance=_SWAP) if base is None else base
    t_cells = float(marrow_t_cells(parameters).sum())
    return replace(
        given,
        blast_fraction=parameters["baseline_blast_fraction"],
        low_share=parameters["low_blast_share"],
        t_cell_fraction=t_cells,
    )
