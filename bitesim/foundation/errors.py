"""Every exception and warning class of bitesim, and the did-you-mean that their messages share."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BitesimError(Exception):
    """Base of every error that bitesim raises on purpose."""


class ParameterError(BitesimError, ValueError):
    """An argument, a parameter or a patient's value is not usable."""


class UnknownNameError(ParameterError, KeyError):
    """A name that does not exist was asked for; the message names the closest one."""

    def __str__(self) -> str:
        # KeyError prints the repr of its argument, which would put quotes around a whole sentence.
        return str(self.args[0]) if self.args else ""


class ScenarioError(BitesimError, ValueError):
    """A regimen, an event table or a scenario file says something that cannot be carried out."""


class DocstringError(BitesimError, ValueError):
    """A docstring that is read for the register of assumptions lacks a part; the message names its module."""


class SolverError(BitesimError, RuntimeError):
    """A run could not be integrated; the message says where, why and what to try."""


class EstimationError(BitesimError, RuntimeError):
    """No start of an estimation came to an end; the message says why each did not, and how to repeat it."""


class MissingExtraError(BitesimError, ImportError):
    """An optional package is needed; the message holds the pip command that installs it."""


class BitesimWarning(UserWarning):
    """Base of every warning that bitesim issues."""


class DoseWarning(BitesimWarning):
    """A dose that can be given but is probably not what was meant."""


class DataWarning(BitesimWarning):
    """A table of data that can be read as it stands, and probably says something else."""


class DerivationWarning(BitesimWarning):
    """A model's generated derivatives do not belong to its equations any more."""


class PatientWarning(BitesimWarning):
    """Patients of a cohort could not be integrated; they are rows of the result with their reasons."""


class ReplicateWarning(BitesimWarning):
    """Replicates of a stochastic run did not reach their end; they are rows of the result with their reasons."""


class CacheWarning(BitesimWarning):
    """Compiled kernels cannot be kept between processes."""


def closest(name: object, known: Iterable[str]) -> str:
    """Return ' Did you mean ...?' for the nearest of `known`, or '' when nothing is near."""
    matches = get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """Build the error for a `name` that is not among the `known` names of that `kind`."""
    names = list(known)
    listed = ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:12])}, ... ({len(names)} in all)"
    return UnknownNameError(f"unknown {kind} {name!r}.{closest(name, names)} Known: {listed}.")


def needs_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """Build the error for an optional `package` that is missing."""
    return MissingExtraError(f"{purpose} needs {package}, which is not installed: pip install 'bitesim[{extra}]'")
