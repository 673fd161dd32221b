"""Virtual patients like those of the trials behind the facts: bodies, burden at the start, and what varies between them.

Baselines that were not read are assumptions, which say so. Overt disease is drawn in equal thirds of 5 to 25, 25 to 50 and
50 % of blasts or more, and weighted to each trial's own shares, so that a ratio of odds has enough patients on either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.inference.free_parameters import Values, distributions_of
from bitesim.leukaemia import LEUKAEMIA
from bitesim.population.distributions import Distribution, LogNormal, Quantiles
from bitesim.population.growth import Growth
from bitesim.population.variability import Variability
from bitesim.population.virtual_population import VirtualPopulation
from bitesim.treatment import Regimen

Floats = NDArray[np.float64]
_ONE_CYCLE: Final = "15 ug/m2/day for 28 d, 14 d off"
_STEP_FIXED: Final = "9 ug/day for 7 d, 28 ug/day for 21 d, 14 d off; 28 ug/day for 28 d"
_STEP_PER_M2: Final = "5 ug/m2/day for 7 d, 15 ug/m2/day for 21 d, 14 d off; 15 ug/m2/day for 28 d"
#: Blood counts of the 13 adults of Klinger et al. 2012 before treatment: medians, and SDs of the logarithm.
_KLINGER_B_CELLS: Final = LogNormal(8.3, 1.5, 0.1, 1e4)
_ADULT_AGES: Final = Quantiles({0.0: 18.0, 0.25: 32.0, 0.5: 45.0, 0.75: 58.0, 1.0: 76.0})
_CHILD_AGES: Final = Quantiles({0.0: 1.0, 0.25: 3.5, 0.5: 6.0, 0.75: 10.0, 1.0: 17.0})
_ADULTS: Final = Growth(_ADULT_AGES)
_CHILDREN: Final = Growth(_CHILD_AGES)
#: Thirds by burden: 5 to 25, 25 to 50, 50 to 95 % blasts.
_OVERT: Final = Quantiles({0.0: 0.05, 1.0 / 3.0: 0.25, 2.0 / 3.0: 0.5, 1.0: 0.95})
BURDEN_EDGES: Final = (0.05, 0.25, 0.5, 0.95)


def burden_third(burden: Floats) -> NDArray[np.int64]:
    """Return the place of each patient's burden among the thirds of `BURDEN_EDGES`: 0, 1 or 2."""
    return np.asarray(np.searchsorted(BURDEN_EDGES[1:-1], burden, side="right"))


@dataclass(frozen=True)
class Trial:
    """Patients of a trial and what they were given.

    Parameters
    ----------
    name : str
    regimen : str
        As `Regimen.parse` reads it; 'chemotherapy' is one block, '' no treatment.
    days : tuple of float
        Output times [d], from 0.
    outputs : tuple of str
        Of the leukaemia model.
    burden : Distribution
        Blasts among the marrow's nucleated cells before treatment [-].
    growth : Growth
        Bodies.
    patients : int
    number : int
        Of its stream of draws: a trial keeps its patients when others are added.
    burden_shares : tuple of float
        Shares of patients in the thirds of `BURDEN_EDGES`; empty for all alike.
    typical : mapping
        Parameters that differ from others' patients.
    b_cells_per_ul : Distribution or float
        In blood before treatment.
    weights_kg : tuple of (float or None, float or None)
        Least and largest body weight; an adult's fixed dose is from 45 kg on.
    """

    name: str
    regimen: str
    days: tuple[float, ...]
    outputs: tuple[str, ...]
    burden: Distribution
    growth: Growth
    patients: int
    number: int
    burden_shares: tuple[float, ...] = ()
    typical: Mapping[str, float] = field(default_factory=dict)
    b_cells_per_ul: Distribution | float = _KLINGER_B_CELLS
    weights_kg: tuple[float | None, float | None] = (None, None)

    def treatment(self) -> Regimen | None:
        """Return the regimen."""
        if self.regimen == "chemotherapy":
            return Regimen.none().with_chemotherapy(0.0)
        return Regimen.parse(self.regimen) if self.regimen else None

    def population(self, values: Values, seed: int) -> VirtualPopulation:
        """Return its virtual patients; the same scores whatever the values."""
        own = replace(values, parameters=values.parameters.replace(**self.typical))
        distributions = distributions_of(own) | {
            "marrow_blast_fraction": self.burden,
            "blood_b_cells_per_ul": self.b_cells_per_ul,
        }
        return VirtualPopulation.sample(
            self.patients, seed=seed + self.number, model=LEUKAEMIA, variability=Variability(distributions),
            covariates=self.growth, limits={"weight_kg": self.weights_kg},
        )  # fmt: skip

    def weights(self, burden: Floats) -> Floats:
        """Return each patient's weight, of sum 1, by the burden at the start."""
        if not self.burden_shares:
            return np.full(len(burden), 1.0 / len(burden))
        third = burden_third(burden)
        count = np.bincount(third, minlength=3)
        weight = np.asarray(self.burden_shares)[third] / count[third]
        return np.asarray(weight / weight.sum())


_COUNT_DAYS: Final = (1 / 24, 2 / 24, 0.25, 0.5, 1.0, 2.0, 7.0, 14.0, 21.0, 28.0, 35.0)
_FIRST_DAY: Final = tuple(hour / 24 for hour in (5, 8, 12, 18))
_STEP_DAYS: Final = tuple(7.0 + hour for hour in _FIRST_DAY)
_OVERT_DAYS: Final = (0.0, *_FIRST_DAY, 1.0, 2.0, 5.0, *_STEP_DAYS, 8.0, 9.0, 20.0, 29.0, 71.0)
_OVERT_OUTPUTS: Final = ("serum_drug_pg_per_ml", "serum_il6_pg_per_ml", "marrow_blast_fraction", "neutrophils_per_ul")
_LYMPHOMA: Final = {"lymphoid_b_cells_per_blood": 500.0}
_HARDLY: Final = LogNormal(1e-6, 0.1, 1e-7, 1e-5)
_HOURS: Final = tuple(hour / 24 for hour in range(25))

TRIALS: Final = {
    trial.name: trial
    for trial in (
        # MRD of 1e-3 or more in remission: median and spread from memory of BLAST (45 % below and 47 % above 1e-2).
        Trial("adults in remission", _ONE_CYCLE, tuple(sorted({0.0, *_COUNT_DAYS, *_FIRST_DAY, 29.0})),
              ("blood_cd8_t_cells_per_ul", "blood_b_cells_per_ul", "blood_cd69_fraction", "serum_il6_pg_per_ml",
               "serum_drug_pg_per_ml", "mrd"),
              LogNormal.of_log10(-2.0, 0.7, -3.0, -0.5), _ADULTS, 384, 1),
        Trial("adults, MRD from 1e-4", _ONE_CYCLE, (0.0, 29.0), ("mrd",), LogNormal.of_log10(-2.5, 0.8, -4.0, -1.0),
              _ADULTS, 192, 2),
        # MRD of children after three blocks for a first relapse: assumed.
        Trial("children in remission", _ONE_CYCLE, (0.0, 29.0), ("mrd",), LogNormal.of_log10(-3.0, 0.8, -4.0, -1.3),
              _CHILDREN, 256, 3),
        Trial("children on chemotherapy", "chemotherapy", (0.0, 29.0), ("mrd",),
              LogNormal.of_log10(-3.0, 0.8, -4.0, -1.3), _CHILDREN, 256, 3),
        # Shares of burden: 69 % of MT103-211 had 50 % blasts or more (from memory); 52 of 70 children had.
        Trial("adults, fixed dose", _STEP_FIXED, _OVERT_DAYS, _OVERT_OUTPUTS, _OVERT, _ADULTS, 384, 5, (0.13, 0.18, 0.69),
              weights_kg=(45.0, None)),
        Trial("adults, dose per m2", _STEP_PER_M2, (0.0, 29.0, 71.0), ("marrow_blast_fraction", "neutrophils_per_ul"),
              _OVERT, _ADULTS, 192, 6, (0.13, 0.18, 0.69)),
        Trial("children, overt", _STEP_PER_M2, (0.0, 5.0, 20.0, 29.0, 71.0),
              ("serum_drug_pg_per_ml", "marrow_blast_fraction"), _OVERT, _CHILDREN, 256, 7, (0.12, 0.137, 0.743),
              weights_kg=(None, 45.0)),
        Trial("lymphoma, flat", "60 ug/m2/day for 21 d", (*_HOURS, 2.0), ("serum_il6_pg_per_ml",), _HARDLY, _ADULTS, 128,
              8, typical=_LYMPHOMA, b_cells_per_ul=70.0),
        Trial("lymphoma, steps", "5 ug/m2/day for 7 d, 15 ug/m2/day for 7 d, 60 ug/m2/day for 7 d",
              (0.0, 0.1, 0.2, 0.4, 0.5, 0.7, 7.2, 7.5, 8.0, 14.2, 14.5, 15.0), ("serum_il6_pg_per_ml",), _HARDLY, _ADULTS,
              128, 8, typical=_LYMPHOMA, b_cells_per_ul=70.0),
        Trial("regrowth", "", tuple(float(day) for day in range(0, 401, 10)), ("mrd",),
              LogNormal(1e-4, 0.1, 5e-5, 2e-4), _ADULTS, 128, 10),
    )
}  # fmt: skip
