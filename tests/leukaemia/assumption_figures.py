"""The figures that the register of assumptions quotes, each as a measurement: `FIGURES` is what its tests compare.

After a change of the model, `python -m tests.leukaemia.assumption_figures` prints every quoted and every measured figure,
and with `--write` puts the measured ones into the docstrings, with as many digits as stand there. Read the sentences then:
a figure may have turned.
"""

import importlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import bitesim
from bitesim.leukaemia.assumptions import Assumption, assumptions
from bitesim.leukaemia.exhaustion_experiment import competence
from bitesim.mechanisms.antigen_density import survivors_of_kill
from bitesim.mechanisms.extinction import survival_of_one
from tests.leukaemia.assumption_measures import (
    ALIKE,
    DOSE,
    HIGH,
    LOW,
    OPEN,
    b_cells_of_patient_20,
    cd8,
    cd8_after,
    cd69,
    closed_and_open_synapse,
    drug_on_blasts,
    first_day_il6,
    il6_peak_hour,
    il6_peaks,
    il6_ratio,
    il10_peaks,
    kill,
    low_share_at_day_84,
    lysis,
    output,
    overt,
    pharmacokinetics,
    recovered_b_cells,
    regrowth,
    sanctuary,
    small_clone,
)

NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"


@dataclass(frozen=True)
class Figure:
    """Words of one entry, with {} for each figure, and what measures them."""

    title: str
    text: str
    measure: Callable[[], tuple[float, ...]]

    @property
    def pattern(self) -> str:
        return r"\s+".join(re.escape(word).replace(r"\{\}", NUMBER) for word in self.text.split())


def _all(*calls):
    return tuple(call() for call in calls)


def _figure(title, text, *calls):
    return Figure(title, text, partial(_all, *calls))


FIGURES = (
    Figure(
        "One compartment, linear",
        "half-life of {} h the level follows the pump, and a gap of 4 h leaves {} % of the drug. A clearance one "
        "standard deviation ({} of its logarithm) above or below the typical one gives a kill of {} or {} decades. A "
        "child of 11 kg and 0.5 m2 has {} pg/mL at 15 ug/m2/day, where an adult has {}, and with an adult's counts "
        "per uL a kill of {} decades, where proportional clearance would give {}.",
        pharmacokinetics,
    ),
    _figure(
        "Site drug follows serum",
        "0.07, 0.2, 0.45 or 0.9 gives a kill of {}, {}, {} or {} decades",
        *(partial(kill, marrow_drug_access=access) for access in (0.07, 0.2, 0.45, 0.9)),
    ),
    Figure(
        "Cells do not use drug up",
        "hold {} days' worth of an infusion of 28 ug/day on their CD19, and take {} % of the infusion in with it "
        "every day (2.88 /d, Liu et al. 2023), which is not subtracted; at an MRD of 1e-3 it is {} %",
        drug_on_blasts,
    ),
    Figure("Closed synapse", "2e4 copies {} bridges, {} after 60 s, and {} in an open gap", closed_and_open_synapse),
    _figure(
        "Closed synapse",
        "the kill is {} decades instead of {}, and 5 ug/m2/day kills {}, hence as much, where the closed synapse "
        "gives {}",
        partial(kill, **OPEN), kill, partial(kill, regimen="5 ug/m2/day for 28 d", **OPEN),
        partial(kill, regimen="5 ug/m2/day for 28 d"),
    ),
    _figure(
        "CD19 spread between cells, drawn anew",
        "the kill is {} decades instead of {}. Selection, left out, would leave cells of {} times",
        partial(kill, **ALIKE), kill, lambda: survivors_of_kill(10.0, 3.0).median_ratio,
    ),
    _figure(
        "Two thresholds",
        "a single threshold of 3 gives a kill of {} decades instead of {}, and IL-6 that hardly knows the dose: 60 "
        "against 5 ug/m2/day in the lymphoma setting {}-fold, not {}-fold",
        partial(kill, **LOW), kill, partial(il6_ratio, **LOW), il6_ratio,
    ),
    _figure("Two thresholds", "A single threshold of 10 gives {} decades", partial(kill, **HIGH)),
    _figure(
        "Kills saturate in effectors and in targets",
        "the kill at an MRD of 1e-3 is {} decades instead of {}, but at 50 % blasts {} instead of {}",
        *(
            partial(kill, **change, **start)
            for start in ({}, {"baseline_blast_fraction": 0.5})
            for change in ({"kills_per_day": 50.0, "killing_search_share": 0.03 * 50.0 / 2.1}, {})
        ),
    ),
    _figure(
        "A target's loss rate is capped",
        "without it the kill is {} decades instead of {}, and {} instead of {} at 25 % blasts; at 0.46 /d it is {} "
        "and {}",
        partial(kill, target_loss_per_day=1e3), kill, partial(overt, target_loss_per_day=1e3), overt,
        partial(kill, target_loss_per_day=0.46), partial(overt, target_loss_per_day=0.46),
    ),
    _figure(
        "Every T cell kills, activated ones most",
        "no killing by resting cells the kill is {} decades instead of {}. Exhausted cells at 0.2 give {} and, "
        "at 25 % blasts, {} instead of {}",
        partial(kill, resting_killing_share=0.0), kill, partial(kill, exhausted_killing_share=0.2),
        partial(overt, exhausted_killing_share=0.2), overt,
    ),
    _figure(
        "Stimulus saturates after the bridges",
        "With a half at 1 the kill is {} decades instead of {}, and IL-6 after 60 against 5 ug/m2/day in the lymphoma"
        " setting differs {}-fold instead of {}-fold",
        partial(kill, stimulus_half=1.0), kill, partial(il6_ratio, stimulus_half=1.0), il6_ratio,
    ),
    _figure(
        "Tonic CD69 is a state",
        "Without it {} % of CD8 T cells are CD69+ at the start and {} % instead of {} % at day 1",
        partial(cd69, 1e-9, tonic_priming_per_day=0.0), partial(cd69, 1.0, tonic_priming_per_day=0.0), partial(cd69, 1.0),
    ),
    _figure(
        "Exhausted cells divide",
        "lysis after 28 days is {} % (measured 8.6 %), and {} % if they do not divide. In the patient little at low "
        "burden: {} decades instead of {} without their division, and {} without any exhaustion, as exhausted cells "
        "take the room of others but also live longer; at 25 % blasts {} and {} instead of {}",
        partial(lysis, 28.0), partial(lysis, 28.0, exhausted_division_share=0.0),
        partial(kill, exhausted_division_share=0.0), kill, partial(kill, exhaustion_per_day=0.0),
        partial(overt, exhausted_division_share=0.0),
        partial(overt, exhaustion_per_day=0.0), overt,
    ),
    _figure(
        "The T-cell pool is crowded",
        "CD8 T cells in blood are {}-fold at day 7 and the kill is {} decades, at 50 it is {}-fold and {} decades, "
        "instead of {}-fold (median of 13 adults: 1.7) and {}",
        partial(cd8, 7.0, t_cell_ceiling=1.8), partial(kill, t_cell_ceiling=1.8), partial(cd8, 7.0, t_cell_ceiling=50.0),
        partial(kill, t_cell_ceiling=50.0), partial(cd8, 7.0), kill,
    ),
    _figure(
        "The dish stimulates fully",
        "a T cell keeps {} % of its competence after 28 days, at the full one {} %",
        lambda: 100.0 * competence([(28.0, 0.5)]), lambda: 100.0 * competence([(28.0, 1.0)]),
    ),
    _figure(
        "No synapses in blood",
        "CD69+ cells are {} % instead of {} % at day 1 and CD8 T cells fall to {} instead of {} of their number "
        "within 1 h; the kill is {} decades",
        partial(cd69, 1.0, sinus_t_cells_per_blood=0.01), partial(cd69, 1.0),
        partial(cd8, 1 / 24, sinus_t_cells_per_blood=0.01), partial(cd8, 1 / 24),
        partial(kill, sinus_t_cells_per_blood=0.01),
    ),
    _figure(
        "Blasts keep T cells out of marrow",
        "the kill is {} decades from 25 % blasts and {} from 50 %. Without displacement it is {} and {}",
        overt, partial(kill, baseline_blast_fraction=0.5), partial(overt, t_cell_crowding=0.0),
        partial(kill, baseline_blast_fraction=0.5, t_cell_crowding=0.0),
    ),
    _figure(
        "Stimulated cells stay",
        "without it the kill is {} decades instead of {}, and {} instead of {} at 25 % blasts; CD69+ T cells in blood at "
        "day 1 are then {} % instead of {} %",
        partial(kill, egress_block=0.0), kill, partial(overt, egress_block=0.0), overt, partial(cd69, 1.0, egress_block=0.0),
        partial(cd69, 1.0),
    ),
    _figure(
        "Counts in blood tell those in tissue",
        "with 4 or 16 in marrow the kill is {} or {} decades instead of {}, and {} or {} instead of {} at 25 % blasts",
        *(
            partial(measure, **change)
            for measure in (kill, overt)
            for change in ({"marrow_t_cells_per_blood": 4.0}, {"marrow_t_cells_per_blood": 16.0}, {})
        ),
    ),
    _figure(
        "T cells adapt to the signal",
        "CD8 T cells are {} of their number 12 h later, and {} 12 h after a 4-hour gap on day 10 began. Without "
        "adaptation they would stay at {} of baseline to day 14, where 13 adults had 1.2 (Klinger et al. 2012); "
        "without margination they would be {} at day 1 instead of {}. The kill hardly changes: {} and {} decades",
        partial(cd8_after, "5 ug/m2/day for 7 d, 15 ug/m2/day for 21 d", 6.99, 7.5),
        partial(cd8_after, bitesim.Regimen.parse(DOSE).hold(10.0, hours=4.0), 10.0, 10.5),
        partial(cd8, 14.0, margination_adaptation_per_day=0.01), partial(cd8, 1.0, margination_gain=0.0), partial(cd8, 1.0),
        partial(kill, margination_adaptation_per_day=0.01), partial(kill, margination_gain=0.0),
    ),
    Figure(
        "B cells leave blood, they are not killed there",
        "With no margination {} B cells per uL are left at day 1 instead of none. In a patient of 247 B and 163 CD8 T"
        " cells per uL {} B cells are left after 1 h and {} after 2 h (observed 210 and 50), without the limit by T "
        "cells {} and {}",
        lambda: (
            output("blood_b_cells_per_ul", 1.0, b_cell_margination_per_day=0.0),
            *b_cells_of_patient_20(), *b_cells_of_patient_20(b_cells_per_t_cell_half=10.0),
        ),
    ),
    _figure(
        "Regulatory cells brake division and lysis alike",
        "to that of non-responders, 10.25 %, the kill falls from {} to {} decades, and from {} to {} at 25 % blasts",
        *(partial(measure, regulatory_share=share) for measure in (kill, overt) for share in (0.048, 0.1025)),
    ),
    _figure(
        "PD-L1 of blasts slows T cells in marrow",
        "at a PD-L1 of 1 or 2 the kill is {} or {} decades instead of {}",
        partial(kill, pd_l1_on_blasts=1.0), partial(kill, pd_l1_on_blasts=2.0), kill,
    ),
    _figure(
        "Blasts take the room of B cells",
        "back to {} % of a healthy marrow's without leukaemia, and to {} % where 80 % blasts were not cleared",
        partial(recovered_b_cells, 1e-9), partial(recovered_b_cells, 0.8),
    ),
    _figure(
        "Birth and death apart",
        "with 0.065 and 0 /d the kill is {} decades as well), everything in extinction: one cell's line dies out by "
        "itself with a probability of {} %",
        partial(kill, blast_birth_per_day=0.065, blast_death_per_day=0.0),
        lambda: 100.0 * (1.0 - float(survival_of_one(0.105, 0.04))),
    ),
    Figure("A full marrow stops growth linearly", "blasts take {} days, and {} with no limit", regrowth),
    _figure(
        "Half of the blasts rest",
        "not the kill by blinatumomab, {} decades with a cycling share of 0.1",
        partial(kill, cycling_share=0.1),
    ),
    _figure(
        "CD19-low blasts are one clone",
        "(day 84) CD19-low blasts are {} % of what is left; with 1e-3 of them at first the kill of the first cycle is {} "
        "decades instead of {}",
        low_share_at_day_84, partial(kill, low_blast_share=1e-3), kill,
    ),
    Figure(
        "The response attenuates",
        "5, 15 and 60 ug/m2/day are {}, {} and {} pg/mL, and {}, {} and {} without it",
        lambda: (*il6_peaks(), *il6_peaks(il6_attenuation_per_day=0.0)),
    ),
    Figure(
        "IL-10 recurs and damps IL-6",
        "IL-10 peaks at {} pg/mL after a first start, and after a second one 11 days after 3 of treatment at {}, or at {} "
        "if it returns as IL-6 does; without IL-10 the median IL-6 of the first 17 h at 60 ug/m2/day is {} pg/mL instead "
        "of {}",
        lambda: (
            *il10_peaks(), il10_peaks(il10_return_per_day=0.02)[1],
            first_day_il6(60, il10_pg_per_ml_per_t_cell_per_ul=0.0), first_day_il6(60),
        ),
    ),
    _figure(
        "A slow step before IL-6 is lost",
        "{} h after the start of 60 ug/m2/day in the same setting, and {} h at 50 /d",
        il6_peak_hour, partial(il6_peak_hour, il6_elimination_per_day=50.0),
    ),
    _figure(
        "Clones are continuous and deterministic",
        "are {} again a year after the start",
        partial(output, "blasts", 365.0, "60 ug/m2/day for 56 d", baseline_blast_fraction=1e-9, low_blast_share=1e-9),
    ),
    _figure(
        "One sanctuary",
        "grows by {} decades in a cycle; with the marrow's access to drug it grows by {}, with all lymphoid T cells "
        "by {}, and with both it loses {}",
        lambda: -sanctuary(), lambda: -sanctuary(sanctuary_drug_access=0.9), lambda: -sanctuary(sanctuary_t_cell_access=1.0),
        partial(sanctuary, sanctuary_drug_access=0.9, sanctuary_t_cell_access=1.0),
    ),
    _figure(
        "The patient is at rest before treatment",
        "has a kill of {} decades; one of 60 has {}, one of 350 has {}",
        *(partial(kill, baseline_cd8_t_cells_per_ul=count) for count in (180.0, 60.0, 350.0)),
    ),
    Figure(
        "Hazards stay as they are",
        "if it ends after 28 days, with a probability of {} %, of which {} % by day 28",
        small_clone,
    ),
)  # fmt: skip


def decimals(quoted: str) -> int:
    return len(quoted.partition(".")[2]) if "e" not in quoted else 0


def tolerance(quoted: str) -> float:
    """What rounding to the digits quoted may hide, and as much again; half of a power of ten."""
    return 0.5 * float(quoted) if "e" in quoted else 1.1 * 10.0 ** -decimals(quoted)


def quoted_in(figure: Figure, entry: Assumption) -> tuple[str, ...] | None:
    """Return the figures that an entry quotes, as text; None where its words are others."""
    match = re.search(figure.pattern, entry.changes)
    return match.groups() if match else None


def _written(measured: float, quoted: str) -> str:
    measured += 0.0  # no minus zero
    return (
        f"{measured:.0e}".replace("e+0", "e").replace("e-0", "e-") if "e" in quoted else f"{measured:.{decimals(quoted)}f}"
    )


def _rewrite(figure: Figure, entry: Assumption, texts: list[str]) -> None:
    path = Path(importlib.import_module(entry.where).__file__)
    source = path.read_text(encoding="utf-8")
    match = re.search(figure.pattern, source)
    for group in range(len(texts), 0, -1):
        source = source[: match.start(group)] + texts[group - 1] + source[match.end(group) :]
    path.write_text(source, encoding="utf-8")


if __name__ == "__main__":
    register = assumptions()
    for figure in FIGURES:
        quoted, measured = quoted_in(figure, register[figure.title]), figure.measure()
        if quoted is None:
            print(f"{figure.title}: other words: {figure.text}")
            continue
        texts = [_written(value, text) for value, text in zip(measured, quoted, strict=True)]
        print(f"{figure.title}: {', '.join(quoted)} -> {', '.join(texts)}")
        if "--write" in sys.argv:
            _rewrite(figure, register[figure.title], texts)
