"""Initial state and readouts of the leukaemia model.

Assumption (MRD is a true fraction of marrow): blasts, CD19-low ones included, over a constant number of nucleated
cells, 1.04e10 per kg (Harrison 1962); the sanctuary is not in it. Alternatives: nucleated cells that fall with blasts
and regenerate; blasts by immunophenotype, which misses CD19-low ones; what `bitesim.assays` says that a laboratory
reports. What it changes: the denominator, by the cellularity of the sample, hence a factor that a kill does not see;
not the number of blasts.

Assumption (the patient is at rest before treatment): T cells, B cells and neutrophils start where they stand still
beside the blasts, from counts in blood; only blasts grow. Alternatives: lymphocytes that recover from earlier
chemotherapy; a start in the middle of another cycle. What it changes: who is treated. A patient whose 180 CD8 T cells
per uL stand for a pool at rest has a kill of 2.8 decades; one of 60 has 1.6, one of 350 has 3.8.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from bitesim.foundation.compiled import kernel
from bitesim.leukaemia import quantities as q
from bitesim.mechanisms import myelopoiesis, t_cell_dynamics, trafficking
from bitesim.model import Readout
from bitesim.model.readouts import BLOOD_READOUTS

READOUTS: Final = (
    *BLOOD_READOUTS,
    Readout("serum_il10_pg_per_ml", "pg/mL", "interleukin-10 in serum"),
    Readout("neutrophils_per_ul", "cells/uL", "neutrophils in blood"),
    Readout("marrow_blast_fraction", "-", "blasts among the marrow's nucleated cells"),
    Readout("mrd", "-", "the same fraction, as residual disease: the truth, before any assay"),
    Readout("blasts", "cells", "blasts in marrow, CD19-low ones included", is_clone=True),
    Readout("low_blasts", "cells", "CD19-low blasts in marrow", is_clone=True),
    Readout("sanctuary_blasts", "cells", "blasts outside marrow", is_clone=True),
    Readout("extinction_probability", "-", "probability that no line of blasts survives if all killing ended now"),
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
    high, low, sanctuary = count * (1.0 - p.low_blast_share), count * p.low_blast_share, p.baseline_sanctuary_blasts
    cycling, quiescent = p.cycling_share, 1.0 - p.cycling_share
    s.ln_cycling_blasts, s.ln_quiescent_blasts = np.log(high * cycling), np.log(high * quiescent)
    s.ln_cycling_low_blasts, s.ln_quiescent_low_blasts = np.log(low * cycling), np.log(low * quiescent)
    s.ln_cycling_sanctuary_blasts = np.log(sanctuary * cycling)
    s.ln_quiescent_sanctuary_blasts = np.log(sanctuary * quiescent)
    s.il6_pg_per_ml, s.il10_pg_per_ml = p.il6_baseline_pg_per_ml, p.il10_baseline_pg_per_ml
    neutrophils = myelopoiesis.defended_count(p.baseline_blast_fraction, p)
    s.neutrophil_precursors = neutrophils
    s.neutrophil_transit_1 = s.neutrophil_transit_2 = s.neutrophil_transit_3 = neutrophils
    s.neutrophils_blood = neutrophils
    s.cytokine_responsiveness = s.il10_responsiveness = 1.0


@kernel
def read(s: Any, p: Any, r: Any) -> None:
    """Write every readout."""
    t_cells = q.blood_t_cells(s)
    r.serum_drug_pg_per_ml = q.serum_drug_pg_per_ml(s, p)
    r.blood_b_cells_per_ul = s.b_cells_blood / q.blood_ul(p)
    r.blood_cd8_t_cells_per_ul = t_cells / q.blood_ul(p)
    r.blood_cd69_fraction = (s.primed_t_cells_blood + s.activated_t_cells_blood) / t_cells
    r.serum_il6_pg_per_ml = s.il6_pg_per_ml
    r.serum_il10_pg_per_ml = s.il10_pg_per_ml
    r.neutrophils_per_ul = s.neutrophils_blood
    r.marrow_blast_fraction = q.blast_fraction(s, p)
    r.mrd = r.marrow_blast_fraction
    r.blasts = q.blasts(s)
    r.low_blasts = q.low_blasts(s)
    r.sanctuary_blasts = q.sanctuary_blasts(s)
    r.extinction_probability = q.extinction_probability(s, p)
