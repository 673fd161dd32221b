"""Where the literature disagrees about blinatumomab: each as one call that runs both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.trajectory import Trajectory
from bitesim.foundation.checks import increasing_times, number
from bitesim.foundation.errors import unknown_name
from bitesim.leukaemia import LEUKAEMIA
from bitesim.mechanisms.bridging import bridges_after, bridging_parameters, contact_surfaces
from bitesim.mechanisms.surface_loading import load_surfaces
from bitesim.population.patient import Patient
from bitesim.population.simulate import simulate
from bitesim.treatment import Regimen

_DAYS: Final = np.arange(0.0, 42.01, 0.25)


@dataclass(frozen=True)
class Disagreement:
    """A parameter of the leukaemia model on whose value sources differ.

    Parameters
    ----------
    parameter, unit : str
    values : tuple of float
        From the lowest to the highest that a source gives or implies.
    because : str
        Who says what.
    output : str
        What shows it.
    regimen : str
        Under which it shows.
    """

    parameter: str
    unit: str
    values: tuple[float, ...]
    because: str
    output: str = "mrd"
    regimen: str = "15 ug/m2/day for 28 d, 14 d off"


#: name -> disagreement.
DISAGREEMENTS: Final = MappingProxyType(
    {
        "marrow access": Disagreement(
            "marrow_drug_access",
            "-",
            (0.07, 0.2, 0.45, 0.9),
            "0.07 is what IgG reaches (Hosseini et al. 2020); near 1 is what marrow disease suggests, which responds at "
            "15 ug/m2/day where nodal lymphoma needs 60",
        ),
        "CD19 copies": Disagreement(
            "blast_cd19_copies",
            "-",
            (2e3, 6e3, 1.2e4, 2e4, 4e4),
            "2e3 to 4e4 copies per blast are in use (1e4 and 3e4 in Liu et al. 2023, 5e3 in models of CAR T cells); no "
            "count on blasts of B-ALL was found",
        ),
        "cytokine on cycle 2": Disagreement(
            "il10_return_per_day",
            "1/d",
            (0.02, 0.1, 0.3),
            "no cytokine on cycle 2 (Klinger et al. 2012), or IL-10 that recurs in later cycles (Nagele et al. 2017)",
            "serum_il10_pg_per_ml",
            "15 ug/m2/day for 3 d, 11 d off; 15 ug/m2/day for 14 d",
        ),
    }
)
#: Dissociation constants of drug and CD3 [pM]: the manufacturer's (from memory), and that of Liu et al. 2023.
CD3_DISSOCIATIONS_PM: Final = (87e3, 260e3)


def disagreement(
    name: str,
    patient: Patient | None = None,
    regimen: Regimen | str | None = None,
    times_days: Sequence[float] | NDArray[np.float64] | None = None,
) -> dict[float, Trajectory]:
    """Run one patient at every value of a disagreement; return value -> course.

    Parameters
    ----------
    name : str
        One of `DISAGREEMENTS`.
    patient : Patient, optional
        Default: an adult with an MRD of 1e-3.
    regimen : Regimen or str, optional
        Default: that of the disagreement.
    times_days : sequence of float, optional
        Default: every 6 hours for 42 days.

    Raises
    ------
    UnknownNameError
        For a name that is not listed.
    """
    if name not in DISAGREEMENTS:
        raise unknown_name("disagreement", name, DISAGREEMENTS)
    chosen = DISAGREEMENTS[name]
    who = Patient(mrd=1e-3) if patient is None else patient
    given = chosen.regimen if regimen is None else regimen
    days = _DAYS if times_days is None else increasing_times("times_days", times_days)
    return {
        value: simulate(who, given, LEUKAEMIA, days, parameters=LEUKAEMIA.parameters.replace(**{chosen.parameter: value}))
        for value in chosen.values
    }


def cd3_affinity(
    drug_ng_per_ml: Sequence[float] | NDArray[np.float64], cd19_copies: float = 2e4, cd3_copies: float = 5e4
) -> dict[float, NDArray[np.float64]]:
    """Return the bridges of a full synapse after 60 s at each CD3 affinity: dissociation constant [pM] -> bridges [-].

    In patients CD3 does not limit bridging: the two affinities, threefold apart, give bridges within 2 % of each other.
    They part past 1000 ng/mL, where the tighter one fills CD3 with drug sooner (13 % fewer bridges at 2000 ng/mL).

    Parameters
    ----------
    drug_ng_per_ml : sequence of float
        Drug in a dish with 1e6 cells of either kind per mL [ng/mL].
    cd19_copies, cd3_copies : float
        Receptors per cell.
    """
    levels = [
        number("drug_ng_per_ml", each, "ng/mL", (1e-6, 1e6), "Serum levels are 0.1 to 1 ng/mL.") for each in drug_ng_per_ml
    ]
    found = {}
    for dissociation in CD3_DISSOCIATIONS_PM:
        p = bridging_parameters(cd3_dissociation_pm=dissociation)
        found[dissociation] = np.array(
            [
                bridges_after(
                    contact_surfaces(
                        load_surfaces(level, 1e6, 1e6, cd19_copies, cd3_copies, cd3_dissociation_pm=dissociation), p
                    ),
                    60.0,
                    p.synapse_area_um2,
                    p,
                )
                for level in levels
            ]
        )
    return found
