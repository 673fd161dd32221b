"""The luck of a measurement: uniform numbers keyed by (seed, patient, assay, visit); adding patients changes nobody."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitesim.assays.inputs import Floats, check_shapes, checked_numbers
from bitesim.foundation.checks import shown
from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError
from bitesim.foundation.random_streams import Purpose, open_unit, random_words, seed_entropy

_LARGEST: Final = 2**32 - 2
#: The visit number whose luck a patient keeps for all visits.
_EVERY_VISIT: Final = 2**32 - 1
_PURPOSE: Final = int(Purpose.ASSAY)


@kernel
def _fill(seed: Any, patients: Any, draws: Any, purpose: int, drawn: Any) -> None:
    for row in range(len(patients)):
        first, second = random_words(seed, patients[row], purpose, draws[row])
        drawn[row, 0] = open_unit(first)
        drawn[row, 1] = open_unit(second)


@dataclass(frozen=True, eq=False)
class DrawKey:
    """Whose luck it is, and when: the key of the random numbers of a measurement.

    Parameters
    ----------
    seed : int, SeedSequence, Generator or None
        As in `bitesim.foundation.random_streams.seed_entropy`; kept as a number, so that a fresh seed can be reported.
    patients : int or array of int
        Numbers of the patients, 0 to 2**32 - 2. They broadcast against what is measured.
    visits : int or array of int, default 0
        Numbers of the visits at which the same assay is repeated in a patient. Assays of different names never share
        their luck, whatever the visit.

    Raises
    ------
    ParameterError
        For negative, fractional or too large numbers.
    """

    seed: Any
    patients: Any
    visits: Any = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seed_entropy(self.seed))
        object.__setattr__(self, "patients", _numbers("patients", self.patients))
        object.__setattr__(self, "visits", _numbers("visits", self.visits))

    def uniforms(self, assay: str) -> Floats:
        """Return two uniform numbers in (0, 1) for each patient and visit; shape: theirs, broadcast, then 2.

        Parameters
        ----------
        assay : str
            The assay's name: each name has its own stream.
        """
        return self._drawn(assay, self.visits)

    def lasting_uniforms(self, assay: str) -> Floats:
        """Return two uniform numbers that a patient keeps at every visit; shape: that of `patients`, then 2."""
        return self._drawn(assay, np.asarray(_EVERY_VISIT, dtype=np.uint64))

    def _drawn(self, assay: str, visits: NDArray[np.uint64]) -> Floats:
        check_shapes(patients=self.patients, visits=visits)
        patients, visits = np.broadcast_arrays(self.patients, visits)
        # The name's checksum is the upper half of the draw's number: the lower half is the visit.
        draws = visits.ravel() | np.uint64(zlib.crc32(assay.encode("utf-8")) << 32)
        drawn = np.empty((patients.size, 2))
        _fill(np.uint64(self.seed), patients.ravel(), draws, _PURPOSE, drawn)
        return drawn.reshape((*patients.shape, 2))


def luck(assay: str, given: Any, count: int) -> Floats:
    """Return the uniform numbers of a measurement, from a `DrawKey` or from numbers given; the last axis has `count`.

    Raises
    ------
    ParameterError
        For numbers outside the open interval (0, 1), or a last axis of another length.
    """
    if isinstance(given, DrawKey):
        return given.uniforms(assay)[..., :count]
    hint = "Give uniform numbers inside (0, 1), or DrawKey(seed=..., patients=...)."
    if isinstance(given, int) and not isinstance(given, bool):
        raise ParameterError(
            f"luck = {given} alone is a seed without a patient: expected DrawKey(seed={given}, patients=...)."
        )
    uniforms = checked_numbers("luck", given, "-", (2.0**-60, 1.0 - 2.0**-53), hint)
    if uniforms.ndim == 0 or uniforms.shape[-1] != count:
        raise ParameterError(
            f"luck has the shape {uniforms.shape}: expected {count} uniform number{'s' if count > 1 else ''} per "
            f"measurement on its last axis. {hint}"
        )
    return uniforms


def _numbers(name: str, values: Any) -> NDArray[np.uint64]:
    hint = "Patients and visits are numbered 0, 1, 2, ...; times in days are not visit numbers."
    checked = checked_numbers(name, values, "-", (0.0, float(_LARGEST)), hint)
    if np.any(checked != np.floor(checked)):
        raise ParameterError(f"{name} = {shown(values)} is not whole: expected whole numbers, 0 to {_LARGEST}. {hint}")
    return np.asarray(checked, dtype=np.uint64)
