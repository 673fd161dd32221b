"""Brakes on T cells: regulatory T cells.

Source: Duell et al. 2017, PMID 28119525: responders to blinatumomab had 4.8 % regulatory cells among CD4 T cells,
non-responders 10.3 %, and 8.5 % separated them; the brake acts on division and lysis.
"""

from __future__ import annotations

from typing import Any

from bitesim.foundation.compiled import kernel


@kernel
def regulatory_brake(p: Any) -> Any:
    """Factor on division and killing [-]: 1 at the share of regulatory cells that separates responders, 2 without any."""
    relative = p.regulatory_share / p.regulatory_half_share
    return 2.0 / (1.0 + relative * relative)
