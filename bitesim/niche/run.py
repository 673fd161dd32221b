"""Run a niche in a treated body, at once or from checkpoint to checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitesim.engines.agents.lattice import SITE_UM
from bitesim.engines.agents.slabs import SLAB_PLANES_BITS
from bitesim.engines.deterministic import Case
from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ParameterError
from bitesim.foundation.provenance import Provenance, digest_of, installed_versions, source_digest
from bitesim.foundation.random_streams import seed_entropy
from bitesim.niche.design import NicheDesign
from bitesim.niche.result import NicheRun, run_of
from bitesim.niche.simulation import NicheOptions, NicheSimulation
from bitesim.version import __version__


def run_niche(
    case: Case,
    times_days: NDArray[np.float64],
    design: NicheDesign | None = None,
    options: NicheOptions | None = None,
    seed: Any = 0,
    *,
    checkpoint: str | Path | None = None,
    checkpoint_every_days: float = 1.0,
    on_coupling: Callable[[NicheSimulation], None] | None = None,
) -> NicheRun:
    """Run the marrow niche of a patient under a regimen; the whole-body model gives drug and T cells.

    Parameters
    ----------
    case : Case
        Patient, regimen and parameters; `bitesim.simulate(..., engine="niche")` makes it.
    times_days : ndarray
        Increasing output times [d].
    design : NicheDesign, optional
        By default packed marrow of 0.26 mm3 with the patient's blasts and T cells.
    options : NicheOptions, optional
    seed : int, SeedSequence, Generator or None
    checkpoint : path, optional
        A file that is written every `checkpoint_every_days`, and resumed where it exists: the result has the same bytes.
    checkpoint_every_days : float
    on_coupling : callable, optional
        Called with the simulation after each stretch; for progress and pictures of one's own.

    Raises
    ------
    ParameterError, ScenarioError
        For input that cannot be used, another model, or a checkpoint of another run.
    """
    chosen = NicheOptions() if options is None else options
    if not isinstance(chosen, NicheOptions):
        raise ParameterError(f"options = {shown(options)} are no NicheOptions: write bitesim.niche.NicheOptions(...)")
    if design is not None and not isinstance(design, NicheDesign):
        raise ParameterError(f"design = {shown(design)} is not a NicheDesign: write bitesim.niche.NicheDesign(...)")
    entropy = seed_entropy(seed)
    every = number("checkpoint_every_days", checkpoint_every_days, "d", (1e-3, 1e5))
    simulation = (
        NicheSimulation.resume(checkpoint, case, times_days, design, chosen, entropy)
        if checkpoint is not None and Path(checkpoint).exists()
        else NicheSimulation.begin(case, times_days, design, chosen, entropy)
    )
    while not simulation.is_done:
        now = float(simulation.times_days[simulation.at])
        following = float(simulation.times_days[simulation.at + 1])
        # Without a checkpoint or a listener there is nothing to stop for.
        stop = np.inf if checkpoint is None and on_coupling is None else max(now + every, following)
        simulation.advance(None if np.isinf(stop) else stop)
        if checkpoint is not None:
            simulation.save(checkpoint)
        if on_coupling is not None:
            on_coupling(simulation)
    step_min = SITE_UM / simulation.design.speed_um_per_min
    return run_of(simulation, _provenance(simulation, case), step_min)


def _provenance(simulation: NicheSimulation, case: Case) -> Provenance:
    settings = {"engine": "niche", "slab_planes": 2**SLAB_PLANES_BITS, "design": asdict(simulation.design)}
    settings |= {"options": asdict(simulation.options)}
    return Provenance(
        bitesim_version=__version__,
        sources_sha256=source_digest(),
        versions=installed_versions(),
        model=case.model.name,
        parameters=case.parameters.as_dict(),
        schedule_sha256=digest_of(str(case.regimen)),
        regimen=str(case.regimen),
        seed=simulation.seed,
        settings=settings,
    )
