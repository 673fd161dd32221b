"""Why a fact is missed, where a reason is known."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Fact -> why the model misses it, where it does.
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "il6_step_to_60": "Few patients are above the floor after the second step; the model attenuates the response of all "
        "alike.",
        "cr_odds_25_to_50_blasts": "In the model remission falls steadily with burden; the published odds fall at 50 % "
        "blasts and hardly below it, as if a marrow half full were another disease.",
        "remission_mt103_206": "MT103-211 treated such adults with nearly the same drug and saw 43 %: the two intervals "
        "exclude each other, and the larger trial weighs more. The burden of these 36 patients was not read.",
        "regulatory_cutoff_others": "Remission depends on burden, fitness and CD19 in the model too: patients with few "
        "regulatory T cells fail as well.",
        "regulatory_cutoff_responders": "The brake is smooth: some with many regulatory T cells and little disease respond.",
        "kill_adults": "It was derived with less MRD at the start than the adults of BLAST have here, a median of 1e-2.",
    }
)


def reason(fact: str) -> str:
    """Return why the model misses a fact."""
    return REASONS.get(fact, "No reason is known.")
