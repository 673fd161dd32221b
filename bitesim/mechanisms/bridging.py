"""Bridges T cell - drug - target cell in a contact: a closed reaction of loaded and free receptors on two surfaces.

The drug in a contact is what both surfaces carried in. A bridge forms where drug on one surface meets a free receptor
on the other, CD3 + (drug on CD19) or (drug on CD3) + CD19; two loaded receptors cannot bridge. Per um2, with bridges X
formed by drug from CD19 and Y by drug from CD3 (Liu et al., eLife 2023;12:e83659, Methods and published base model):

    dX/dt = kon_CD3 (A - X)(YB - X) - koff_CD3 (X + Y)      A, AY: free and loaded CD3 when the cells touch
    dY/dt = kon_CD19 (AY - Y)(B - Y) - koff_CD19 (X + Y)    B, YB: free and loaded CD19

Why the bell in vitro falls. Binding alone also turns over, when most CD19 is loaded and CD3 begins to be: near 1000
ng/mL and by little. The fall past 100 ng/mL is CD3 DOWN-MODULATION: T cells lose CD3 the faster, the more of it holds
drug. CD19 internalisation takes 11 % in an hour at any concentration and has no part in it. Patients, below 2 ng/mL,
are two orders of magnitude left of either.

Assumption (closed synapse): in patients the drug of a synapse is what both surfaces carried in, all of it bridges, and
CD3 neither limits nor is lost: `bridges_clinical`, the limit of the reaction of Liu et al. 2023 at low drug.
Alternatives: the same reaction stopped after the 60 s of that paper; a gap that exchanges drug with serum for ever
(`bridges_at_open_equilibrium`). What it changes: at 0.53 ng/mL and 2e4 copies 10.5 bridges, 6.6 after 60 s, and 535 in
an open gap. With fiftyfold bridges (copies of blasts and B cells raised to 1e6) the kill is 3.9 decades instead of 2.8,
and 5 ug/m2/day kills 3.9, hence as much, where the closed synapse gives 0.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import number
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import SolverError, unknown_name
from bitesim.foundation.records import record_type
from bitesim.mechanisms.surface_loading import SurfaceLoading, occupancy

#: Figures of Liu et al. 2023; two-dimensional rates follow from 3-D ones by Bell's encounter theory (kon 6e4 /M/s is
#: assumed there, not measured). Surfaces are 1.8 times those of spheres of radius 6 and 5 um.
LIU_2023: Final[Mapping[str, float]] = MappingProxyType(
    {
        "cd19_dissociation_pm": 1490.0,
        "cd3_dissociation_pm": 260e3,
        "drug_kda": 55.0,
        "bridging_um2_per_s": 1.88e-4,  # both arms
        "cd3_release_per_s": 1.96e-4,
        "cd19_release_per_s": 1.12e-6,
        "blast_surface_um2": 814.0,
        "t_cell_surface_um2": 565.0,
        "contact_area_um2": 5.0,  # while cells only touch, 0.1-5 s
        "synapse_area_um2": 65.0,  # a full synapse, after 60 s
        "cd3_down_modulation": 0.1,  # 0 switches it off
        "cd19_internalisation_per_min": 0.002,  # of loaded CD19; 0 switches it off
    }
)
_MAY_BE_ZERO: Final = frozenset({"cd3_down_modulation", "cd19_internalisation_per_min"})


@kernel
def bridges_clinical(drug_pm: Any, copies: Any, p: Any) -> Any:
    """Return bridges per synapse [-] at a free drug concentration [pM]: every loaded CD19 of the contact bridges.

    N = (A_synapse / A_blast) x CD19 per cell x C / (KD_CD19 + C): the long-time limit of the closed reaction where CD3
    (88 per um2) is far more than drug. Nothing of the bell is in it; it is for patients (error 0.5 % below 2 ng/mL).
    """
    return p.synapse_area_um2 / p.blast_surface_um2 * copies * occupancy(drug_pm, p.cd19_dissociation_pm)


@kernel
def bridging_rates(from_cd19: Any, from_cd3: Any, cd3: Any, loaded_cd3: Any, cd19: Any, loaded_cd19: Any, p: Any) -> Any:
    """Return the net rates [1/um2/s] at which drug from CD19 and drug from CD3 becomes a bridge.

    `from_cd19` and `from_cd3` are the bridges of either origin [1/um2]; the other four the free and loaded receptors
    when the cells touched [1/um2], so that receptors and drug are conserved by construction.
    """
    bridges = from_cd19 + from_cd3
    return (
        p.bridging_um2_per_s * (cd3 - from_cd19) * (loaded_cd19 - from_cd19) - p.cd3_release_per_s * bridges,
        p.bridging_um2_per_s * (loaded_cd3 - from_cd3) * (cd19 - from_cd3) - p.cd19_release_per_s * bridges,
    )


@kernel
def cd3_divisor(loaded_cd3_per_um2: Any, minutes: Any, p: Any) -> Any:
    """Return by what free and loaded CD3 is divided after a time with drug [-]: 1 + 0.1 loaded^0.9 minutes^0.7.

    An empirical fit of Liu et al.: the arguments count as pure numbers, loaded CD3 in 1/um2 and time in minutes.
    """
    return 1.0 + p.cd3_down_modulation * loaded_cd3_per_um2**0.9 * minutes**0.7


@kernel
def loaded_cd19_kept(minutes: Any, p: Any) -> Any:
    """Return the share of loaded CD19 still on the surface after a time with drug [min], by internalisation [-]."""
    return math.exp(-p.cd19_internalisation_per_min * minutes)


def parameter_record(table: Mapping[str, float], changes: Mapping[str, float]) -> Any:
    """Return a table of positive numbers, some of them changed, as a record that kernels read by name.

    Raises
    ------
    UnknownNameError
        For a change of a name that is not in the table.
    ParameterError
        For a value that is no positive number (0 is allowed where it switches a process off).
    """
    for name in changes:
        if name not in table:
            raise unknown_name("parameter", name, table)
    values = [
        number(name, changes.get(name, value), "-", (0.0 if name in _MAY_BE_ZERO else 1e-15, 1e15))
        for name, value in table.items()
    ]
    return np.array(values).view(record_type(table))[0]


def bridging_parameters(**changes: float) -> Any:
    """Return the figures of Liu et al. 2023 (`LIU_2023`) as a record, with `changes` by name."""
    return parameter_record(LIU_2023, changes)


@dataclass(frozen=True)
class ContactSurfaces:
    """Receptors per um2 on the two surfaces when they touch: numbers, or arrays of one shape for many contacts."""

    cd3: Any
    loaded_cd3: Any
    cd19: Any
    loaded_cd19: Any


def contact_surfaces(loading: SurfaceLoading, p: Any, minutes: float = 0.0) -> ContactSurfaces:
    """Return both surfaces after `minutes` with drug: CD3 down-modulated, loaded CD19 partly internalised.

    Either process is switched off in the parameters, `bridging_parameters(cd3_down_modulation=0.0)`.

    Raises
    ------
    ParameterError
        For `minutes` that are no number of 0 to 1e5.
    """
    minutes = number("minutes", minutes, "min", (0.0, 1e5), "Time with drug is in minutes, a day has 1440.")
    loaded_cd3 = loading.cd3_bound / p.t_cell_surface_um2
    divisor = cd3_divisor(loaded_cd3, minutes, p)
    return ContactSurfaces(
        cd3=(loading.cd3_copies - loading.cd3_bound) / p.t_cell_surface_um2 / divisor,
        loaded_cd3=loaded_cd3 / divisor,
        cd19=(loading.cd19_copies - loading.cd19_bound) / p.blast_surface_um2,
        loaded_cd19=loading.cd19_bound / p.blast_surface_um2 * loaded_cd19_kept(minutes, p),
    )


def bridge_density(surfaces: ContactSurfaces, seconds: NDArray[np.float64], p: Any) -> NDArray[np.float64]:
    """Return bridges per um2 at increasing times [s] after touching; shape (times, *contacts).

    The reaction is not stiff (all rates are below 1 /s), so that many contacts are integrated as one explicit system.

    Raises
    ------
    SolverError
        When the integration fails.
    """
    # A model of patients needs none of it, and the import takes a third of a second.
    from scipy.integrate import solve_ivp

    four = np.broadcast_arrays(surfaces.cd3, surfaces.loaded_cd3, surfaces.cd19, surfaces.loaded_cd19)
    shape = four[0].shape
    cd3, loaded_cd3, cd19, loaded_cd19 = (np.array(each, dtype=float).ravel() for each in four)
    # The drug carried in sets the scale of everything: without it there is nothing to integrate.
    carried = float(np.max(loaded_cd3 + loaded_cd19))
    if carried <= 0.0:
        return np.zeros((len(seconds), *shape))

    def change(_: float, y: NDArray[np.float64]) -> NDArray[np.float64]:
        from_cd19, from_cd3 = y.reshape(2, -1)
        return np.concatenate(bridging_rates(from_cd19, from_cd3, cd3, loaded_cd3, cd19, loaded_cd19, p))

    start, end = np.zeros(2 * cd3.size), float(seconds[-1])
    run = solve_ivp(change, (0.0, end), start, "DOP853", t_eval=seconds, rtol=1e-9, atol=1e-12 * carried)
    if not run.success:
        raise SolverError(f"bridges in a contact could not be integrated to {end:g} s: {run.message}")
    return np.asarray(run.y.T.reshape(len(seconds), 2, *shape).sum(axis=1))


def bridges_after(surfaces: ContactSurfaces, seconds: float, area_um2: float, p: Any) -> float:
    """Return bridges in one contact of an area [um2] some seconds after touching, by the kinetic equations.

    Liu et al. count 2.5 s (mean of 0.1-5 s) in 5 um2 for adhesion, and 60 s in 65 um2 for a full synapse.

    Raises
    ------
    ParameterError
        For a time beyond 0 to 1e6 s or an area beyond 0 to 1000 um2.
    """
    seconds = number("seconds", seconds, "s", (0.0, 1e6), "A contact is counted in seconds: 60 for a full synapse.")
    area = number("area_um2", area_um2, "um2", (0.0, 1000.0), "A touch is 5 um2, a full synapse 65 um2.")
    return area * float(bridge_density(surfaces, np.array([0.0, seconds]), p)[-1]) if seconds > 0.0 else 0.0


def _bridges_at(cd19: float, cd3: float, cd19_activity: float, p: Any) -> tuple[float, float, float]:
    """Return bridges, drug on CD19 and drug on CD3 [1/um2] where loaded : free CD19 is `cd19_activity`.

    Detailed balance fixes loaded : free CD3; bridges are the lower root of X = k (cd3 - X)(cd19 - X).
    """
    cd3_activity = cd19_activity * p.cd19_release_per_s / p.cd3_release_per_s
    dissociation = p.cd3_release_per_s / p.bridging_um2_per_s
    width = dissociation * (1.0 + 1.0 / cd19_activity) * (1.0 + cd3_activity)
    # The discriminant as a sum of squares and products: nothing cancels.
    root = math.sqrt((cd19 - cd3) ** 2 + width * (2.0 * (cd19 + cd3) + width))
    bridges = 2.0 * cd19 * cd3 / (cd19 + cd3 + width + root)
    on_cd19 = (cd19 - bridges) / (1.0 + 1.0 / cd19_activity)
    on_cd3 = (cd3 - bridges) * cd3_activity / (1.0 + cd3_activity)
    return bridges, on_cd19, on_cd3


def bridges_at_closed_equilibrium(surfaces: ContactSurfaces, area_um2: float, p: Any) -> float:
    """Return bridges in a contact after a long time, with the drug that the surfaces carried in and no other.

    Drug on the surfaces rises steadily with the ratio of loaded to free CD19, which is found by bracketing. It takes
    hours: the slower arm lets go at 2e-4 /s. `surfaces` holds numbers, not arrays.
    """
    # A model of patients needs none of it, and the import takes a third of a second.
    from scipy.optimize import brentq

    cd19, cd3 = float(surfaces.cd19 + surfaces.loaded_cd19), float(surfaces.cd3 + surfaces.loaded_cd3)
    carried = float(surfaces.loaded_cd19 + surfaces.loaded_cd3)
    if carried <= 0.0 or cd19 <= 0.0 or cd3 <= 0.0:
        return 0.0
    cd19_2d, cd3_2d = p.cd19_release_per_s / p.bridging_um2_per_s, p.cd3_release_per_s / p.bridging_um2_per_s
    empty = float(surfaces.cd19 + surfaces.cd3)
    # Bounds: bound drug is at most linear in the ratio, free sites at most inverse to it; 1 % keeps rounding outside.
    low = 0.99 * carried / (cd19 + cd3 * cd19_2d / cd3_2d + cd19 * cd3 / cd3_2d)
    high = 1.01 * (cd19 + cd3 * cd3_2d / cd19_2d + cd19 * cd3 / cd19_2d) / max(empty, 1e-12 * carried)

    def surplus(log_activity: float) -> float:
        return math.log(sum(_bridges_at(cd19, cd3, math.exp(log_activity), p)) / carried)

    activity = math.exp(brentq(surplus, math.log(low), math.log(high), xtol=1e-14, rtol=1e-14))
    return float(area_um2 * _bridges_at(cd19, cd3, activity, p)[0])


def bridges_at_open_equilibrium(drug_pm: float, cd19_copies: float, cd3_copies: float, area_um2: float, p: Any) -> float:
    """Return bridges in a contact whose gap exchanges drug with a bath for ever [pM]: hundreds at clinical levels.

    An alternative reading, not the package's default: it takes drug to reach a gap of some 15 nm faster than the
    minutes a T cell stays, and gives fifty times the bridges of the closed reaction.

    Raises
    ------
    ParameterError
        For a concentration that is no number of 0 to 1e8 pM.
    """
    drug = number("drug_pm", drug_pm, "pM", (0.0, 1e8), "600 pg/mL is 11.1 pM: divide pg/mL by 54.")
    if drug == 0.0:
        return 0.0
    densities = (cd19_copies / p.blast_surface_um2, cd3_copies / p.t_cell_surface_um2)
    return float(area_um2 * _bridges_at(*densities, drug / p.cd19_dissociation_pm, p)[0])
