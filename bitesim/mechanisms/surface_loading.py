"""Blinatumomab on CD19 and CD3 in the bulk, before cells touch: one drug, two receptors that compete for it.

The balance of one ligand with two receptors is a cubic in free drug (Wang 1995, FEBS Lett 360:111). Its explicit root
subtracts large numbers and keeps no digit when the drug is scarce; here the balance itself is solved, in which every
term is positive. Dissociation constants: CD19 1.49 nM, CD3 260 nM (code of Liu et al., eLife 2023;12:e83659); 87 nM is
also reported for CD3, so that 80-300 nM is the range to sweep.

Assumption (cells do not use drug up): in patients free drug is what the pump and clearance make it; `load_surfaces`,
which solves the exact balance of a closed volume, is for the dish. Alternatives: that balance in each tissue; drug
taken in together with CD19 as a second way out. What it changes: little in residual disease, a lot perhaps in overt
disease, where it was not tried in a patient. By the figures of this model, blasts that fill half of an adult's marrow
hold 0.14 days' worth of an infusion of 28 ug/day on their CD19, and take 39 % of the infusion in with it every day
(2.88 /d, Liu et al. 2023), which is not subtracted; at an MRD of 1e-3 it is 0.08 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bitesim.foundation.checks import number
from bitesim.foundation.compiled import kernel

#: Molecules per mole, exact in the SI since 2019.
AVOGADRO: Final = 6.02214076e23
#: pM made by one molecule per mL: 1e3 mL/L x 1e12 pM/M / Avogadro.
PM_PER_MOLECULE_PER_ML: Final = 1e15 / AVOGADRO
#: Molecular weight of blinatumomab used in the package [kDa]; Liu et al. compute with 55.
BLINATUMOMAB_KDA: Final = 54.0

_DRUG_HINT: Final = (
    "Patients have 0.2-0.6 ng/mL: a serum level in pg/mL must be divided by 1000, one in pM is 0.054 ng/mL per pM."
)
_COPIES_HINT: Final = "Give receptors per cell (CD19 on a blast 2e3-4e4, CD3 on a T cell 3e4-7e4), not per um2."
_CELLS_HINT: Final = "Give cells per mL; a count per microlitre must be multiplied by 1000."


@kernel
def picomolar(drug_ng_per_ml: Any, drug_kda: Any) -> Any:
    """Return a mass concentration [ng/mL] as a molar one [pM], from the molecular weight [kDa]."""
    return 1e3 * drug_ng_per_ml / drug_kda


@kernel
def occupancy(drug_pm: Any, dissociation_pm: Any) -> Any:
    """Return the share of receptors that hold drug [-] at a free concentration [pM]: C / (KD + C).

    In patients serum drug is free drug: it is infused all the time and no disease effect on its clearance was found
    (Clements 2020), so nothing is solved for.
    """
    return drug_pm / (dissociation_pm + drug_pm)


@kernel
def free_drug(
    total_pm: float, cd19_pm: float, cd19_dissociation_pm: float, cd3_pm: float, cd3_dissociation_pm: float
) -> float:
    """Return free drug [pM] from total drug and the two receptors' total concentrations [pM], to rounding.

    Solves F (1 + R19/(K19 + F) + R3/(K3 + F)) = total by Newton's method. The left side rises and is concave in F, so
    that the steps from a lower bound climb to the root and never pass it; a step that does not climb is rounding.
    """
    free = total_pm / (1.0 + cd19_pm / cd19_dissociation_pm + cd3_pm / cd3_dissociation_pm)
    for _ in range(200):
        to_cd19, to_cd3 = cd19_dissociation_pm + free, cd3_dissociation_pm + free
        missing = total_pm - free * (1.0 + cd19_pm / to_cd19 + cd3_pm / to_cd3)
        # Two divisions instead of a square: squares of tiny constants would underflow.
        slope = (
            1.0 + (cd19_pm / to_cd19) * (cd19_dissociation_pm / to_cd19) + (cd3_pm / to_cd3) * (cd3_dissociation_pm / to_cd3)
        )
        climbed = free + missing / slope
        if not climbed > free:
            break
        free = climbed
    return free


@dataclass(frozen=True)
class SurfaceLoading:
    """How much drug the cells carry when they meet.

    Attributes
    ----------
    free_drug_pm : float
        Drug left in solution [pM].
    cd19_copies, cd3_copies : float
        Receptors per target cell and per T cell.
    cd19_occupancy, cd3_occupancy : float
        Share of them that holds drug [-].
    """

    free_drug_pm: float
    cd19_copies: float
    cd3_copies: float
    cd19_occupancy: float
    cd3_occupancy: float

    @property
    def cd19_bound(self) -> float:
        """Drug molecules on one target cell."""
        return self.cd19_copies * self.cd19_occupancy

    @property
    def cd3_bound(self) -> float:
        """Drug molecules on one T cell."""
        return self.cd3_copies * self.cd3_occupancy


def loading_at_free_drug(
    free_pm: float,
    cd19_copies: float,
    cd3_copies: float,
    *,
    cd19_dissociation_pm: float = 1490.0,
    cd3_dissociation_pm: float = 260e3,
) -> SurfaceLoading:
    """Return the loading of both surfaces at a free concentration that the cells do not deplete, as in a patient.

    Parameters
    ----------
    free_pm : float
        Free drug [pM]; 600 pg/mL is 11.1 pM.
    cd19_copies, cd3_copies : float
        Receptors per target cell and per T cell.
    cd19_dissociation_pm, cd3_dissociation_pm : float
        Dissociation constants [pM], by default those of Liu et al. 2023.

    Raises
    ------
    ParameterError
        For a value that is no number or outside its range.
    """
    free = number("free_pm", free_pm, "pM", (0.0, 1e8), "600 pg/mL is 11.1 pM: divide pg/mL by 54.")
    cd19, cd3 = _copies(cd19_copies, cd3_copies)
    cd19_kd, cd3_kd = _constants(cd19_dissociation_pm, cd3_dissociation_pm)
    return SurfaceLoading(free, cd19, cd3, occupancy(free, cd19_kd), occupancy(free, cd3_kd))


def load_surfaces(
    drug_ng_per_ml: float,
    targets_per_ml: float,
    effectors_per_ml: float,
    cd19_copies: float,
    cd3_copies: float,
    *,
    cd19_dissociation_pm: float = 1490.0,
    cd3_dissociation_pm: float = 260e3,
    drug_kda: float = BLINATUMOMAB_KDA,
) -> SurfaceLoading:
    """Return the equilibrium of a given amount of drug with both kinds of cells, as in a dish.

    Parameters
    ----------
    drug_ng_per_ml : float
        Total drug, bound and free [ng/mL].
    targets_per_ml, effectors_per_ml : float
        CD19+ cells and T cells per mL.
    cd19_copies, cd3_copies : float
        Receptors per target cell and per T cell.
    cd19_dissociation_pm, cd3_dissociation_pm : float
        Dissociation constants [pM], by default those of Liu et al. 2023.
    drug_kda : float
        Molecular weight [kDa].

    Raises
    ------
    ParameterError
        For a value that is no number or outside its range; the message says what was probably meant.
    """
    drug = number("drug_ng_per_ml", drug_ng_per_ml, "ng/mL", (0.0, 1e5), _DRUG_HINT)
    targets = number("targets_per_ml", targets_per_ml, "cells/mL", (0.0, 1e10), _CELLS_HINT)
    effectors = number("effectors_per_ml", effectors_per_ml, "cells/mL", (0.0, 1e10), _CELLS_HINT)
    cd19, cd3 = _copies(cd19_copies, cd3_copies)
    cd19_kd, cd3_kd = _constants(cd19_dissociation_pm, cd3_dissociation_pm)
    kda = number("drug_kda", drug_kda, "kDa", (1.0, 1000.0), "Blinatumomab has 54 kDa, which is 54000 g/mol.")
    free = free_drug(
        picomolar(drug, kda),
        targets * cd19 * PM_PER_MOLECULE_PER_ML,
        cd19_kd,
        effectors * cd3 * PM_PER_MOLECULE_PER_ML,
        cd3_kd,
    )
    return SurfaceLoading(free, cd19, cd3, occupancy(free, cd19_kd), occupancy(free, cd3_kd))


def _copies(cd19_copies: float, cd3_copies: float) -> tuple[float, float]:
    return (
        number("cd19_copies", cd19_copies, "copies/cell", (0.0, 1e8), _COPIES_HINT),
        number("cd3_copies", cd3_copies, "copies/cell", (0.0, 1e8), _COPIES_HINT),
    )


def _constants(cd19_dissociation_pm: float, cd3_dissociation_pm: float) -> tuple[float, float]:
    hint = "Give pM: 1.49 nM is 1490 pM."
    return (
        number("cd19_dissociation_pm", cd19_dissociation_pm, "pM", (1e-3, 1e9), hint),
        number("cd3_dissociation_pm", cd3_dissociation_pm, "pM", (1e-3, 1e9), hint),
    )
