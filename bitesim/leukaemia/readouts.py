"""Initial state and readouts of the leukaemia model."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.leukaemia import quantities as q
from bitesim.mechanisms import t_cell_dynamics, trafficking
from bitesim.model import Readout
from bitesim.model.readouts import BLOOD_READOUTS

READOUTS: Final = (
    *BLOOD_READOUTS,
    Readout("marrow_blast_fraction", "-", "blasts among the marrow's nucleated cells"),
    Readout("mrd", "-", "the same fraction, as residual disease: the truth, before any assay"),
    Readout("blasts", "cells", "blasts in marrow, CD19-low ones included", is_clone=True),
    Readout("low_blasts", "cells", "CD19-low blasts in marrow", is_clone=True),
    Readout("sanctuary_blasts", "cells", "blasts outside marrow", is_clone=True),
)


@kernel
def initial_state(p: Any, s: Any) -> None:
    """Write the untreated patient: all but the blasts stands still; the kernel is handed a state of zeros."""
    blood, primed = q.blood_t_cells_at_rest(p), t_cell_dynamics.tonic_share(p)
    sinus = blood * p.sinus_t_cells_per_blood
    marrow = blood * p.marrow_t_cells_per_blood * trafficking.marrow_room(p.baseline_blast_fraction, p)
    lymphoid = blood * p.lymphoid_t_cells_per_blood
    s.resting_t_cells_blood, s.primed_t_cells_blood = (1.0 - primed) * blood, primed * blood
    s.resting_t_cells_sinus, s.primed_t_cells_sinus = (1.0 - primed) * sinus, primed * sinus
    s.resting_t_cells_marrow, s.primed_t_cells_marrow = (1.0 - primed) * marrow, primed * marrow
    s.resting_t_cells_lymphoid, s.primed_t_cells_lymphoid = (1.0 - primed) * lymphoid, primed * lymphoid
    s.b_cells_blood = q.blood_b_cells_at_rest(p)
    s.b_cells_lymphoid = p.lymphoid_b_cells_per_blood * s.b_cells_blood
    s.b_cells_marrow = q.marrow_b_cells_at_first(p)
    count = p.baseline_blast_fraction * q.marrow_cells(p)
    s.ln_blasts = np.log(count * (1.0 - p.low_blast_share))
    s.ln_low_blasts = np.log(count * p.low_blast_share)
    s.ln_sanctuary_blasts = np.log(p.baseline_sanctuary_blasts)
    s.il6_pg_per_ml = p.il6_baseline_pg_per_ml
    s.cytokine_responsiveness = 1.0


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    """Write every readout."""
    t_cells = q.blood_t_cells(s)
    r.serum_drug_pg_per_ml = q.serum_drug_pg_per_ml(s, p)
    r.blood_b_cells_per_ul = s.b_cells_blood / q.blood_ul(p)
    r.blood_cd8_t_cells_per_ul = t_cells / q.blood_ul(p)
    r.blood_cd69_fraction = (s.primed_t_cells_blood + s.activated_t_cells_blood) / t_cells
    r.serum_il6_pg_per_ml = s.il6_pg_per_ml
    r.marrow_blast_fraction = q.blast_fraction(s, p)
    r.mrd = r.marrow_blast_fraction
    r.blasts = q.blasts(s)
    r.low_blasts = np.exp(s.ln_low_blasts)
    r.sanctuary_blasts = np.exp(s.ln_sanctuary_blasts)
