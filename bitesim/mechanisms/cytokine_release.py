"""IL-6, and IL-10 against it, set free while T cells are newly activated by targets, less at every further exposure.

Observed in lymphoma (Hijazi et al. 2018, as digitised for Hosseini et al. 2020, doi:10.1038/s41540-020-00145-7): a peak
within 5 to 12 h of a first dose, graded by the dose, back near baseline by day 2, small at later steps.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def il6_release(newly_activated_per_ul_per_day: Any, targets: Any, responsiveness: Any, p: Any) -> Any:
    """IL-6 set free [pg/mL/d], before IL-10 and dexamethasone damp it.

    `newly_activated...` are T cells of the whole body per uL of blood, `targets` the body's CD19+ cells [cells].
    """
    made = p.il6_pg_per_ml_per_t_cell_per_ul * newly_activated_per_ul_per_day
    return made * target_presence(targets, p) * responsiveness


@kernel
def target_presence(targets: Any, p: Any) -> Any:
    """Factor on the release of cytokines [-]: it takes targets; `targets` [cells]."""
    return targets / (targets + p.il6_half_targets)


@kernel
def il10_release(newly_activated_per_ul_per_day: Any, targets: Any, responsiveness: Any, p: Any) -> Any:
    """IL-10 set free [pg/mL/d], by the same cells.

    Whether it comes back in later cycles is disputed (Klinger et al. 2012: no; Nagele et al. 2017: yes):
    `il10_attenuation_share` is 1 where it attenuates as IL-6 does, and 0 where it does not.
    """
    made = p.il10_pg_per_ml_per_t_cell_per_ul * newly_activated_per_ul_per_day
    kept = 1.0 - p.il10_attenuation_share * (1.0 - responsiveness)
    return made * target_presence(targets, p) * kept


@kernel
def left_by_il10(il10_pg_per_ml: Any, p: Any) -> Any:
    """Share of the IL-6 release that IL-10 leaves [-]."""
    return 1.0 / (1.0 + il10_pg_per_ml / p.il10_half_pg_per_ml)


@kernel
def responsiveness_rate(stimulated: Any, responsiveness: Any, p: Any) -> Any:
    """Loss under stimulation and slow return of the responsiveness [1/d].

    Little stimulation suffices: IL-6 is back near its baseline by day 2 after a low first dose as after a high one.
    """
    exposed = stimulated / (stimulated + p.il6_attenuation_half_stimulus)
    lost = p.il6_attenuation_per_day * exposed * responsiveness
    return p.il6_return_per_day * (1.0 - responsiveness) - lost
