"""Receptors on a surface while some of them hold drug: bound ones are taken in faster, all are made anew.

CD19 with drug is internalised at 0.002 /min (Liu et al. 2023, eLife 12:e83659; a half-life of 4 h elsewhere), CD3 with drug
with a half-life of 3.5 h (glofitamab). In patients 0.7 % of CD19 and 4e-5 of CD3 hold drug: a cell keeps 98 % of its CD19 or
more and practically all CD3. In a dish at 100 ng/mL and above both matter; there `bridging` takes Liu's own figures.

Assumption (turnover is at balance with the drug): the surface follows the drug at once, as the balance of synthesis and
uptake. Alternatives: one more state per receptor and site, which lags by the turnover time, about a day. What it changes:
the CD19 of the first day after a start or a step, by less than 2 %.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def surface_share(occupied: Any, turnover_per_day: Any, internalisation_per_day: Any) -> Any:
    """Return receptors on the surface relative to those without drug [-], where a share `occupied` of them holds drug.

    Free receptors turn over at `turnover_per_day`, bound ones are taken in at `internalisation_per_day`; synthesis is
    what makes 1 of it without drug: 1 / ((1 - occupied) + occupied * internalisation / turnover).
    """
    return 1.0 / (1.0 + occupied * (internalisation_per_day / turnover_per_day - 1.0))
