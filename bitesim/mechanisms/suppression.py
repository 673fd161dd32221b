"""Brakes on T cells: regulatory T cells, and the checkpoint of PD-1 and PD-L1.

Source of the first: Duell et al. 2017, PMID 28119525: responders to blinatumomab had 4.8 % regulatory cells among CD4 T
cells, non-responders 10.3 %, and 8.5 % separated them; the brake acts on division and lysis.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def regulatory_brake(p: Any) -> Any:
    """Factor on division and killing [-]: 1 at the share of regulatory cells that separates responders, 2 without any."""
    relative = p.regulatory_share / p.regulatory_half_share
    return 2.0 / (1.0 + relative * relative)


@kernel
def checkpoint_brake(p: Any) -> Any:
    """Factor on division and killing among blasts [-]: 1 where they carry no PD-L1, or where PD-1 is blocked.

    Only directions are known: relapsed and refractory blasts carry more PD-L1, and T cells of patients more PD-1; the
    brake is off by default and waits for a combination with PD-1 blockade.
    """
    return 1.0 / (1.0 + p.pd_l1_on_blasts * (1.0 - p.pd_1_blockade))
