"""The luck of patients: random numbers keyed by (seed, patient, what is decided, occasion).

No draw knows how many patients there are, in which order they come, or what else is decided: another regimen, a hazard
less or a patient more changes nobody else's luck.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bitesim.foundation.compiled import kernel
from bitesim.foundation.errors import ParameterError
from bitesim.foundation.random_streams import Purpose, open_unit, random_words, seed_entropy

Floats = NDArray[np.float64]
_PURPOSE: Final = int(Purpose.CLINICAL_EVENT)
_LARGEST: Final = 2**32 - 1


@kernel
def _fill(seed: Any, patients: Any, draws: Any, purpose: int, drawn: Any) -> None:
    for row in range(len(patients)):
        first, _ = random_words(seed, patients[row], purpose, draws[row])
        drawn[row] = open_unit(first)


@dataclass(frozen=True, eq=False)
class Luck:
    """Random numbers of some patients.

    Parameters
    ----------
    seed : int, SeedSequence, Generator or None
        As in `bitesim.foundation.random_streams.seed_entropy`; kept as a number.
    patients : array of int
        Their numbers, 0 to 2**32 - 1: a patient keeps the number in every cohort.
    """

    seed: Any
    patients: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seed_entropy(self.seed))
        numbers = np.asarray(self.patients)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or np.any((numbers < 0) | (numbers > _LARGEST)):
            raise ParameterError(f"patients = {self.patients!r}: expected a row of whole numbers from 0 to 2**32 - 1")
        object.__setattr__(self, "patients", numbers.astype(np.uint64))

    def __len__(self) -> int:
        return len(self.patients)

    def of(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Luck:
        """Return the luck of some of the patients."""
        return Luck(self.seed, self.patients[rows])

    def uniform(self, decides: str, occasion: int | NDArray[np.int64] = 0) -> Floats:
        """Return a uniform number in (0, 1) for each patient.

        Parameters
        ----------
        decides : str
            What it decides; every name has its own stream.
        occasion : int or array of int
            Which time it is decided, 0 to 2**32 - 1.
        """
        occasions = np.broadcast_to(np.asarray(occasion, np.uint64), self.patients.shape)
        draws = occasions | np.uint64(zlib.crc32(decides.encode()) << 32)
        drawn = np.empty(len(self.patients))
        _fill(np.uint64(self.seed), self.patients, draws, _PURPOSE, drawn)
        return drawn

    def exponential(self, decides: str, occasion: int | NDArray[np.int64] = 0) -> Floats:
        """Return an exponential number of mean 1 for each patient: the cumulative hazard at which it happens."""
        return np.asarray(-np.log(self.uniform(decides, occasion)))

    def normal(self, decides: str, occasion: int | NDArray[np.int64] = 0) -> Floats:
        """Return a standard normal number for each patient."""
        return np.asarray(ndtri(self.uniform(decides, occasion)))

    def generator(self, row: int, decides: str, occasion: int = 0) -> np.random.Generator:
        """Return one patient's generator, for draws that take an unknown number of random bits."""
        name = zlib.crc32(decides.encode())
        # The counter's lower half is the generator's own; nothing else of this package uses the upper one so.
        counter = [0, 0, (name << 32) | occasion, (int(self.patients[row]) << 32) | _PURPOSE]
        return np.random.Generator(np.random.Philox(key=[self.seed, 0], counter=counter))
