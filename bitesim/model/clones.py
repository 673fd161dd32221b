"""Clones of cells that a model carries as logarithms: what each of their cells does, by the names of the processes.

A deterministic engine needs none of it. One that counts cells reads the hazards of one cell from the very same fluxes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Clone:
    """One clone in two phases, cycling and quiescent.

    Parameters
    ----------
    name : str
    cycling, quiescent : str
        Species that hold the natural logarithm of the cells in each phase.
    birth : str
        Process whose flux is the hazard that a cycling cell divides into two [1/d].
    cycling_losses, quiescent_losses : tuple of str
        Processes whose fluxes are the hazards that a cell of the phase is lost to the clone [1/d].
    to_quiescence, awakening : str
        Processes whose fluxes are the hazards of a change of phase [1/d].
    founders : tuple of (str, str)
        Process whose flux is the hazard that a cell of another clone becomes a cycling cell of this one [1/d], and the
        species that holds the logarithm of those cells.
    """

    name: str
    cycling: str
    quiescent: str
    birth: str
    cycling_losses: tuple[str, ...]
    quiescent_losses: tuple[str, ...]
    to_quiescence: str
    awakening: str
    founders: tuple[tuple[str, str], ...] = ()

    @property
    def processes(self) -> tuple[str, ...]:
        """Every process that is named."""
        changes = (self.birth, *self.cycling_losses, *self.quiescent_losses, self.to_quiescence, self.awakening)
        return (*changes, *(process for process, _ in self.founders))

    @property
    def species(self) -> tuple[str, ...]:
        """Every species that is named."""
        return (self.cycling, self.quiescent, *(source for _, source in self.founders))
