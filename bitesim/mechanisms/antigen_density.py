"""CD19 differs between cells: which share of them gets enough bridges, and which cells a kill leaves behind.

Copies per cell are log-normal (Raji sorted for CD19: mean 144,866, geometric mean 130,670, hence ln sd 0.45; Liu et al.,
eLife 2023;12:e83659; 0.6 on blasts is a prior). Bridges in one synapse are Poisson around the mean of that cell's
copies. Three engaged ligands make a cytotoxic T cell kill, ten give the full calcium signal (Purbhoo et al. 2004, Nat
Immunol 5:524; peptide-MHC on mouse cells, not this drug).

`bridges` is always the MEAN over cells, which is that of a cell with mean copies; at ln sd 0.6 it is 1.2 times that of
a cell with median copies (`mean_copies`).

Assumption (CD19 spread between cells, drawn anew): copies are log-normal between blasts (ln sd 0.6, a prior), bridges
Poisson around each cell's mean, and the share of synapses above a threshold is a Hill curve of the mean (`HILL_FITS`);
a kill leaves this distribution as it was. Alternatives: cells all alike; the exact share (`share_of_synapses`);
selection of cells with few copies (`survivors_of_kill`), which Liu et al. 2023 found in their model. What it changes:
with cells all alike (halves and exponents 2.60, 2.79 and 9.59, 5.29) the kill is 3.3 decades instead of 2.8. Selection,
left out, would leave cells of 0.19 times the median copies after three decades at 10 bridges, so that later decades are
killed more slowly than here.

Assumption (two thresholds): 3 bridges make a T cell kill and 10 activate it fully, to cytokines and division (Purbhoo
et al. 2004, measured for peptide-MHC). Alternatives: one threshold for both, low or high; thresholds by affinity;
graded activation. What it changes: a single threshold of 3 gives a kill of 3.5 decades instead of 2.8, and IL-6 that
hardly knows the dose: 60 against 5 ug/m2/day in the lymphoma setting 1.2-fold, not 3.7-fold (medians of the first 17 h;
observed 5-fold, Hijazi et al. 2018 as digitised for Hosseini et al. 2020). A single threshold of 10 gives 1.4 decades.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.foundation.checks import number, whole_number
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError
from bitesim.mechanisms.kinks import saturation

#: Engaged ligands for killing and for full activation (Purbhoo et al. 2004).
KILLING_BRIDGES: Final = 3
ACTIVATION_BRIDGES: Final = 10
#: Standard deviation of ln copies between the blasts of one patient (prior).
LN_SD: Final = 0.6
#: Threshold -> (half, hill) of `share_above` by least squares on evenly spaced ln bridges, at ln sd 0.6. The largest
#: error is 0.0157 (3 bridges) and 0.0108 (10). It is absolute: where bridges are few the share is far too large, 2.9-fold
#: at 0.1 bridges and 25-fold at 0.01 for killing, because the exact one falls with the threshold's own power there.
HILL_FITS: Final[Mapping[int, tuple[float, float]]] = MappingProxyType(
    {KILLING_BRIDGES: (3.06, 1.98), ACTIVATION_BRIDGES: (11.4, 2.49)}
)

_BRIDGES_HINT: Final = "Give bridges per synapse averaged over cells: a patient has 4-20."
_SD_HINT: Final = "Give the sd of ln copies: a coefficient of variation of 65 % is 0.6."


@kernel
def share_above(bridges: Any, half: Any, hill: Any) -> Any:
    """Return the share of synapses with enough bridges [-] as a Hill function of mean bridges (`HILL_FITS`).

    The package's named saturation: a plain power would turn the rounding of a solver just below 0, and the derivative
    by `hill` at no drug, into NaN.
    """
    return saturation(bridges, half, hill)


@kernel
def mean_copies(median: Any, ln_sd: Any) -> Any:
    """Return the mean of a log-normal number of copies per cell from its median: median x exp(ln_sd^2 / 2)."""
    return median * math.exp(0.5 * ln_sd * ln_sd)


def share_of_synapses(bridges: Any, threshold: int, ln_sd: float = LN_SD) -> NDArray[np.float64]:
    """Return the exact share of synapses with at least `threshold` bridges [-].

    The mean over log-normal cells of P(Poisson(bridges of the cell) >= threshold), by the trapezoidal rule in ln
    copies: error below 1e-12 for thresholds to 100, 1e-6 to 1000. (Gauss-Hermite quadrature with 80 nodes errs by 6e-5
    at ln sd 1.5: the threshold is a step between its nodes.)

    Parameters
    ----------
    bridges : float or array
        Mean bridges per synapse, >= 0; any shape, which is the result's.
    threshold : int
        Bridges needed, 1 to 1000.
    ln_sd : float
        Standard deviation of ln copies between cells, 0 to 1.5.

    Raises
    ------
    ParameterError
        For an argument that is no number or outside its range.
    """
    from scipy.special import gammainc

    needed = whole_number("threshold", threshold, (1, 1000), "3 bridges kill, 10 activate.")
    spread = number("ln_sd", ln_sd, "-", (0.0, 1.5), _SD_HINT)
    mean = _checked_bridges(bridges)
    z, weights = _standard_normal(961)
    # P(Poisson(m) >= n) is the regularised lower incomplete gamma function of n at m.
    return np.asarray(gammainc(needed, mean[..., None] * np.exp(spread * z - 0.5 * spread * spread)) @ weights)


@dataclass(frozen=True)
class Survivors:
    """Cells that a kill left behind, relative to all cells before it.

    Attributes
    ----------
    log10_kill : float
        Decades of cells killed.
    encounters : float
        Mean number of synapses each cell went through for that.
    median_ratio, mean_ratio : float
        Median and mean copies of the survivors over those of all cells before [-]; 1 is no selection.
    ln_sd : float
        Standard deviation of ln copies among survivors.
    """

    log10_kill: float
    encounters: float
    median_ratio: float
    mean_ratio: float
    ln_sd: float


def survivors_of_kill(
    bridges: float, log10_kill: float, threshold: int = KILLING_BRIDGES, ln_sd: float = LN_SD
) -> Survivors:
    """Return how a kill of some decades selects cells of low CD19, with no cell losing the antigen.

    A synapse kills if its bridges reach the threshold, so that a cell of relative copies x survives `e` synapses in the
    mean (Poisson) with probability exp(-e P(Poisson(bridges x) >= threshold)). The number `e` that kills the wanted
    share and the moments of what is left come from the trapezoidal rule in ln copies, which for such densities errs by
    rounding only. Three decades leave cells of 0.19 times the median copies at 10 bridges, 0.60 at 17 and 1.00 at 100:
    selection ends where even cells of low CD19 pass the threshold, so that more drug selects less.

    Parameters
    ----------
    bridges : float
        Mean bridges per synapse before the kill, 0.001 to 1e6.
    log10_kill : float
        Decades killed, 0 to 12.
    threshold : int
        Bridges that kill, 1 to 1000.
    ln_sd : float
        Standard deviation of ln copies before the kill, 0.01 to 1.5.

    Raises
    ------
    ParameterError
        For an argument that is no number or outside its range.
    """
    from scipy.optimize import brentq
    from scipy.special import gammainc

    needed = whole_number("threshold", threshold, (1, 1000), "3 bridges kill, 10 activate.")
    spread = number("ln_sd", ln_sd, "-", (0.01, 1.5), _SD_HINT)
    mean = number("bridges", bridges, "-", (1e-3, 1e6), _BRIDGES_HINT)
    decades = number("log10_kill", log10_kill, "-", (0.0, 12.0), "A kill of 99.9 % is 3 decades.")
    # Finer than a share needs: after twelve decades the survivors sit in the far tail.
    z, before = _standard_normal(4801)
    killed_per_synapse = gammainc(needed, mean * np.exp(spread * z - 0.5 * spread * spread))

    def left(encounters: float) -> NDArray[np.float64]:
        return np.asarray(before * np.exp(-encounters * killed_per_synapse))

    encounters = 0.0
    if decades > 0.0:

        def too_few(log_encounters: float) -> float:
            return math.log10(max(left(math.exp(log_encounters)).sum(), 1e-300)) + decades

        highest = 1.0
        while too_few(highest) > 0.0:
            highest *= 2.0
            if highest > 600.0:
                problem = f"bridges = {mean:g} cannot kill {decades:g} decades: no cell reaches threshold = {needed}."
                raise ParameterError(f"{problem} {_BRIDGES_HINT}")
        encounters = math.exp(brentq(too_few, -60.0, highest, xtol=1e-14, rtol=1e-14))
    after = left(encounters)
    after /= after.sum()
    middle = float(after @ z)
    median = float(np.interp(0.5, np.cumsum(after) - 0.5 * after, z))
    copies = np.exp(spread * z)
    return Survivors(
        log10_kill=decades,
        encounters=encounters,
        median_ratio=math.exp(spread * median),
        mean_ratio=float(after @ copies / (before @ copies)),
        ln_sd=spread * math.sqrt(float(after @ (z - middle) ** 2)),
    )


def _standard_normal(points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points and weights of the trapezoidal rule for a mean over the standard normal distribution."""
    z = np.linspace(-14.0, 10.0, points)
    weights = np.exp(-0.5 * z * z)
    return z, weights / weights.sum()


def _checked_bridges(bridges: Any) -> NDArray[np.float64]:
    try:
        mean = np.asarray(bridges, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise ParameterError(f"bridges = {bridges!r} holds something that is no number. {_BRIDGES_HINT}") from problem
    wrong = mean[~((mean >= 0.0) & np.isfinite(mean))]
    if wrong.size:
        raise ParameterError(f"bridges has {float(wrong.flat[0])!r}: expected at least 0 everywhere. {_BRIDGES_HINT}")
    return mean
