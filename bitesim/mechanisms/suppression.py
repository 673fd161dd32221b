"""Brakes on T cells: regulatory T cells, and the checkpoint of PD-1 and PD-L1.

Source of the first: Duell et al. 2017, PMID 28119525: responders to blinatumomab had 4.8 % regulatory cells among CD4 T
cells, non-responders 10.3 %, and 8.5 % separated them; the brake acts on division and lysis.

Assumption (regulatory cells brake division and lysis alike): both are multiplied by one constant of the patient, 1 at
the share of 8.5 % that separated responders, and 2 without any (Duell et al. 2017; the form of the curve is an
assumption). Alternatives: a brake on one of the two only; regulatory cells as a population that blinatumomab activates
and that makes IL-10. What it changes: from the share of responders, 4.8 %, to that of non-responders, 10.25 %, the kill
falls from 3.3 to 1.9 decades, and from 3.7 to 0.0 at 25 % blasts.

Assumption (PD-L1 of blasts slows T cells in marrow): one factor slows division and lysis among blasts, off by default,
as nothing measures its size. Alternatives: a brake that grows with activation, as PD-1 does; faster exhaustion. What it
changes: at a PD-L1 of 1 or 2 the kill is 1.5 or 0.7 decades instead of 2.8, and full blockade gives all of it back by
construction.
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
