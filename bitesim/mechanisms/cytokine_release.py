"""IL-6 set free while T cells are newly activated in the presence of targets, less at every further exposure.

Observed in lymphoma (Hijazi et al. 2018, as digitised for Hosseini et al. 2020, doi:10.1038/s41540-020-00145-7): a peak
within 5 to 12 h of a first dose, graded by the dose, back near baseline by day 2, small at later steps.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def il6_release(newly_activated_per_ul_per_day: Any, targets: Any, responsiveness: Any, p: Any) -> Any:
    """IL-6 set free [pg/mL/d]; `newly_activated...` T cells of the whole body per uL of blood, `targets` [cells]."""
    burden = targets / (targets + p.il6_half_targets)
    made = p.il6_pg_per_ml_per_t_cell_per_ul * newly_activated_per_ul_per_day
    return made * burden * responsiveness * (1.0 - p.dexamethasone_damping)


@kernel
def responsiveness_rate(stimulated: Any, responsiveness: Any, p: Any) -> Any:
    """Loss under stimulation and slow return of the responsiveness [1/d].

    Little stimulation suffices: IL-6 is back near its baseline by day 2 after a low first dose as after a high one.
    """
    exposed = stimulated / (stimulated + p.il6_attenuation_half_stimulus)
    lost = p.il6_attenuation_per_day * exposed * responsiveness
    return p.il6_return_per_day * (1.0 - responsiveness) - lost
