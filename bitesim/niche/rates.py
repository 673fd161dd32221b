"""What the cells of a niche do, from the mechanisms and parameters of the leukaemia model: the same equations, cell by cell.

Binding and killing are those of `mechanisms.conjugates`: with a free effector and a free target in N cells,
dC/dt = k (E - C)(T - C) / (s N) - k C. On the lattice a T cell walks into free blasts and binds with the chance that makes
this its mean field; it holds for 1 / k and kills with the share of synapses that have bridges enough, times what its state
allows. Turnover of T cells and of blasts is that of `t_cell_dynamics` and `leukaemia_growth`.

Assumption (stimulus is the niche's): T cells activate, divide and tire by the stimulus of the whole niche, as in the mean
field, not by their own contacts. Alternatives: a memory of each cell's contacts. What it changes: nothing on average; in a
patchy niche T cells far from blasts stay as active as those among them.

Assumption (search differs from space): the search share of the leukaemia model stays what it is, and space comes on top.
Alternatives: a search share that was fitted to patients holds space already; then chi relative to a reference geometry is
the correction. What it changes: chi = 0.8 means 25 % more search than the mean field has, if the share does not hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.cell_records import ACTIVATED, CALM, CD3_CLASSES, EXHAUSTED
from bitesim.engines.agents.rules import (
    ACTIVATE,
    BIRTH,
    CALM_DOWN,
    CD19_CLASSES,
    DEATH,
    DIE,
    DIVIDE,
    LEAVE,
    LOSS,
    TIRE,
    Hazards,
)
from bitesim.foundation.checks import number
from bitesim.leukaemia import LEUKAEMIA
from bitesim.leukaemia import quantities as q
from bitesim.mechanisms import leukaemia_growth, t_cell_dynamics, trafficking
from bitesim.mechanisms.antigen_density import KILLING_BRIDGES, LN_SD
from bitesim.mechanisms.conjugates import handling_time_days
from bitesim.niche.design import NicheDesign
from bitesim.parameters import ParameterSet

_DRUG_HINT: Final = "Serum has 200 to 600 pg/mL under 15 ug/m2/day; give pg/mL, not ng/mL."


@dataclass(frozen=True)
class Surroundings:
    """What the body and the niche as a whole are like for a while.

    Parameters
    ----------
    drug_pg_per_ml : float
        Free drug in serum.
    blast_fraction : float
        Blasts among the niche's cells.
    stimulating, targets : float
        Blasts of the niche weighted by the share of their contacts that activate, and all of them.
    room : float
        Factor on T-cell division: 0 where the body's T cells reach their ceiling.
    """

    drug_pg_per_ml: float
    blast_fraction: float
    stimulating: float
    targets: float
    room: float


def record_of(parameters: ParameterSet) -> Any:
    """Return parameters as the record that mechanisms read."""
    return parameters.vector().view(LEUKAEMIA.catalogue.record_type)[0]


def bridges_of(drug_pg_per_ml: float, p: Any) -> tuple[float, float]:
    """Return the mean bridges of a synapse with a CD19+ and with a CD19-low blast in marrow."""
    drug = number("drug_pg_per_ml", drug_pg_per_ml, "pg/mL", (0.0, 1e7), _DRUG_HINT)
    bridges = q.bridges(p.marrow_drug_access * drug / p.drug_mass_kda, p.blast_cd19_copies, p)
    return float(bridges), float(p.low_blast_cd19_share * bridges)


def surroundings(
    drug_pg_per_ml: float, cd19: float, low: float, cells: float, p: Any, room: float | None = None
) -> Surroundings:
    """Return the surroundings of a niche with so many blasts among its cells; room is that of a body at rest by default."""
    bridges = bridges_of(drug_pg_per_ml, p)
    stimulating = sum(
        each * float(q.activating_share(number_of, p)) for each, number_of in zip((cd19, low), bridges, strict=True)
    )
    at_rest = float(t_cell_dynamics.room_to_divide(1.0, 1.0, p))
    return Surroundings(drug_pg_per_ml, (cd19 + low) / cells, stimulating, cd19 + low, at_rest if room is None else room)


def t_cell_rates(around: Surroundings, cells: float, p: Any) -> NDArray[np.float64]:
    """Return `T_CELL_EVENTS` of one T cell by state [1/d]."""
    stimulated = t_cell_dynamics.stimulus(around.stimulating, around.targets, cells, p)
    division = t_cell_dynamics.division_hazard(stimulated, q.marrow_brake(p), around.room, p)
    steps = t_cell_dynamics.t_cell_turnover(1.0, 1.0, 1.0, 1.0, stimulated, division, p)
    (_, _, activation, _, deactivation, divides, exhaustion, tired_divides, recovery, dies, tired_dies, rest_dies, _) = steps
    table = np.zeros((3, 6))
    table[CALM, [ACTIVATE, DIE, LEAVE]] = activation, rest_dies, p.marrow_exit_per_day
    table[ACTIVATED, [CALM_DOWN, DIVIDE, TIRE, DIE]] = deactivation, divides, exhaustion, dies
    table[ACTIVATED, LEAVE] = trafficking.held_back(p.marrow_exit_per_day, stimulated, p)
    table[EXHAUSTED, [CALM_DOWN, DIVIDE, DIE, LEAVE]] = recovery, tired_divides, tired_dies, p.marrow_exit_per_day
    return table


def blast_rates(around: Surroundings, p: Any) -> NDArray[np.float64]:
    """Return `BLAST_EVENTS` of a CD19+ and of a CD19-low blast [1/d]."""
    table = np.zeros((2, 3))
    table[:, BIRTH] = leukaemia_growth.blast_birth_hazard(around.blast_fraction, p)
    table[:, DEATH] = p.blast_death_per_day
    table[0, LOSS] = leukaemia_growth.antigen_loss_hazard(p)
    return table


def state_shares(p: Any) -> NDArray[np.float64]:
    """Return how well T cells of each state kill, relative to activated ones."""
    return np.array([p.resting_killing_share, 1.0, p.exhausted_killing_share])


def kill_table(drug_pg_per_ml: float, p: Any) -> NDArray[np.float64]:
    """Return the probability that a contact kills, by state and by what the blast is; shape (3, 2, 1, 1)."""
    shares = [float(q.killed_share(each, p)) for each in bridges_of(drug_pg_per_ml, p)]
    return np.outer(state_shares(p), shares)[:, :, np.newaxis, np.newaxis]


def class_copies(p: Any) -> NDArray[np.float64]:
    """Return CD19 copies of the classes of blasts: medians of `CD19_CLASSES` equal parts of the log-normal distribution."""
    # Only cells with copies of their own need it, and the import takes time.
    from scipy.stats import norm

    middles = (np.arange(CD19_CLASSES) + 0.5) / CD19_CLASSES
    relative = np.exp(LN_SD * norm.ppf(middles))
    return np.asarray(p.blast_cd19_copies * relative / relative.mean())


def kill_table_by_copies(drug_pg_per_ml: float, p: Any) -> NDArray[np.float64]:
    """Return the probability that a contact kills where each blast has CD19 copies of its own.

    Bridges are Poisson around the mean of that blast's copies, and `KILLING_BRIDGES` of them kill (`antigen_density`). CD3
    is in excess in patients, so that classes of CD3 do not differ; for the dish, a table of one's own may say otherwise.
    Shape (3, 2, 8, 16).
    """
    from scipy.stats import poisson

    means = np.outer(np.array(bridges_of(drug_pg_per_ml, p)), class_copies(p) / p.blast_cd19_copies)
    chance = poisson.sf(KILLING_BRIDGES - 1, means)
    table = state_shares(p)[:, np.newaxis, np.newaxis] * chance
    return np.asarray(np.repeat(table[:, :, np.newaxis, :], CD3_CLASSES, axis=2))


def niche_hazards(
    design: NicheDesign, around: Surroundings, parameters: ParameterSet, *, own_copies: bool = False, mixing: float = 0.0
) -> Hazards:
    """Return what cells do in a niche in some surroundings.

    Parameters
    ----------
    design : NicheDesign
    around : Surroundings
    parameters : ParameterSet
        Of the leukaemia model.
    own_copies : bool
        Whether each blast has CD19 copies of its own.
    mixing : float
        Share of unbound blasts moved to random sites each step, with all T cells: well-mixed; 0: in space.
    """
    p = record_of(parameters)
    brake = float(q.marrow_brake(p))
    kills_per_day = brake / float(handling_time_days(p))
    table = kill_table_by_copies if own_copies else kill_table
    return Hazards(
        speed_um_per_min=design.speed_um_per_min,
        persistence_min=design.persistence_min,
        meetings_per_day=kills_per_day / (p.killing_search_share * design.cells_per_site),
        release_per_day=kills_per_day,
        kill_chance=table(around.drug_pg_per_ml, p),
        blast_per_day=blast_rates(around, p),
        t_cell_per_day=t_cell_rates(around, design.cells, p),
        swap_chance=design.swap_chance,
        displaces=design.swap_chance > 0.0,
        mixing=mixing,
    )
