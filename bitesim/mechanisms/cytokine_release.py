"""IL-6, and IL-10 against it, set free while T cells are newly activated by targets, less at every further exposure.

Observed in lymphoma (Hijazi et al. 2018, as digitised for Hosseini et al. 2020, doi:10.1038/s41540-020-00145-7): a peak
within 5 to 12 h of a first dose, graded by the dose, back near baseline by day 2, small at later steps.

Assumption (the response attenuates): IL-6 is made in proportion to a responsiveness that stimulation uses up within a
day and that returns over weeks. Alternatives: feedback by IL-10 alone; attenuation by time since the first dose;
monocytes as a source that is emptied. What it changes: later steps and the end of the first peak. In the lymphoma
setting the peaks after the steps to 5, 15 and 60 ug/m2/day are 164, 27 and 29 pg/mL, and 338, 771 and 931 without it
(observed at the later steps: medians of 37 to 51, Hijazi et al. 2018, as digitised for Hosseini et al. 2020).

Assumption (a slow step before IL-6 is lost): one rate of 5 /d stands for release and elimination, although IL-6 itself
has a half-life of minutes (20 min in Hosseini et al. 2020). Alternatives: elimination at that half-life, with secretion
as a state of its own. What it changes: when the peak comes, 5 h after the start of 60 ug/m2/day in the same setting,
and 2 h at 50 /d (observed 5 to 12 h).

Assumption (IL-10 recurs and damps IL-6): IL-10 is made by the same newly activated T cells with a responsiveness of its
own, which returns within days (Nagele et al. 2017 saw it again in later cycles, Klinger et al. 2012 did not), and lowers
the release of IL-6; its size is a prior. Alternatives: return over weeks as of IL-6 (`il10_return_per_day` of 0.02); no
effect on IL-6. What it changes: in the default adult IL-10 peaks at 42 pg/mL after a first start, and after a second one 11
days after 3 of treatment at 30, or at 10 if it returns as IL-6 does; without IL-10 the median IL-6 of the first 17 h at 60
ug/m2/day is 588 pg/mL instead of 503 in the lymphoma setting.
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

    Whether it comes back in later cycles is disputed (Klinger et al. 2012: no; Nagele et al. 2017: yes), which is how
    fast its own responsiveness returns without stimulus.
    """
    made = p.il10_pg_per_ml_per_t_cell_per_ul * newly_activated_per_ul_per_day
    return made * target_presence(targets, p) * responsiveness


@kernel
def left_by_il10(il10_pg_per_ml: Any, p: Any) -> Any:
    """Share of the IL-6 release that IL-10 leaves [-]."""
    return 1.0 / (1.0 + il10_pg_per_ml / p.il10_half_pg_per_ml)


@kernel
def responsiveness_rate(stimulated: Any, responsiveness: Any, return_per_day: Any, p: Any) -> Any:
    """Loss under stimulation and return of the responsiveness of one cytokine [1/d].

    Little stimulation suffices: IL-6 is back near its baseline by day 2 after a low first dose as after a high one.
    """
    exposed = stimulated / (stimulated + p.il6_attenuation_half_stimulus)
    lost = p.il6_attenuation_per_day * exposed * responsiveness
    return return_per_day * (1.0 - responsiveness) - lost
