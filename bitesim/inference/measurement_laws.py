"""By which law a value was measured: the laboratory's method where the table names it, else what the caller says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from bitesim.assays import CD69_BIOASSAY, MULTICOLOUR_FLOW, NGS, RQ_PCR, CountAssay, DrugLevelAssay, MrdAssay
from bitesim.foundation.checks import number, shown
from bitesim.foundation.errors import ParameterError, closest
from bitesim.foundation.table_rows import TableRow
from bitesim.inference.table_columns import MRD, OUTPUTS

Assay: TypeAlias = MrdAssay | CountAssay | DrugLevelAssay

_DRUG: Final = "serum_drug_pg_per_ml"
_LN_10: Final = math.log(10.0)
#: SD of ln of an MRD of unknown method: the prior of `MrdAssay.sd_log10`.
MRD_SD_LN: Final = MrdAssay.sd_log10 * _LN_10
_MRD_METHODS: Final = {
    **dict.fromkeys(("multicolour flow", "multicolor flow", "flow", "flow cytometry", "mfc", "mpfc"), MULTICOLOUR_FLOW),
    **dict.fromkeys(("rq-pcr", "rqpcr", "rq pcr", "qpcr", "pcr"), RQ_PCR),
    **dict.fromkeys(("ngs", "clonoseq", "sequencing"), NGS),
}
_DRUG_METHODS: Final = dict.fromkeys(("cd69 bioassay", "cd69", "bioassay"), CD69_BIOASSAY)
#: Output -> cell of ASSAY, in lower case -> the method.
_METHODS: Final[Mapping[str, Mapping[str, Assay]]] = MappingProxyType({MRD: _MRD_METHODS, _DRUG: _DRUG_METHODS})
#: What each kind of assay measures.
_UNITS: Final = {MrdAssay: "-", CountAssay: "cells/uL", DrugLevelAssay: "pg/mL"}
_SD_HINT: Final = "The SD is in ln units: 0.2 is about 20 %; multiply an SD in log10 by 2.303."


@dataclass(frozen=True)
class AmountLaw:
    """A log-normal error, and the limits of the method where it has them.

    Parameters
    ----------
    name : str
        Of the method; '' where it is not known.
    sd_ln, own_sd_ln : float
        As in `AmountObserved`.
    lower, upper : float, optional
        Limits of quantification.
    """

    name: str
    sd_ln: float
    own_sd_ln: float = 0.0
    lower: float | None = None
    upper: float | None = None


Law: TypeAlias = AmountLaw | MrdAssay


class MeasurementLaws:
    """Chooses the law of each row.

    In this order: the row's own SD_LN; what `assays` says of its ASSAY; the method of that name that bitesim knows; what
    `assays` says of its output; the default, which only MRD (0.3 log10) and drug levels (the CD69 bioassay) have.

    Parameters
    ----------
    assays : mapping
        Name in ASSAY, or output -> MrdAssay, CountAssay, DrugLevelAssay, or the SD of ln(measured).

    Raises
    ------
    ParameterError
        For something else, and an SD outside its range.
    """

    def __init__(self, assays: Mapping[str, Assay | float]) -> None:
        self._assays: dict[str, Assay | float] = {}
        self._names: dict[str, str] = {}
        for key, assay in assays.items():
            if not isinstance(key, str) or key.lower() in self._names:
                raise ParameterError(f"assays: {shown(key)} is no name, or stands twice: upper and lower case are the same")
            self._assays[key.lower()], self._names[key.lower()] = _checked(key, assay), key
        self._used = {key for key in self._assays if key in OUTPUTS}

    def law(self, row: TableRow, output: str) -> Law:
        """Return the law of one row.

        Raises
        ------
        ScenarioError
            For an unknown assay, and an output whose SD is not known.
        """
        name = row.text("ASSAY")
        sd = row.number_in("SD_LN")
        if sd is not None:
            return AmountLaw(name, sd, row.number_in("OWN_SD_LN") or 0.0)
        if row.number_in("OWN_SD_LN") is not None:
            raise row.problem("OWN_SD_LN", "without SD_LN: give both")
        known = _METHODS.get(output, {})
        if name.lower() in self._assays:
            self._used.add(name.lower())
            return self._as_law(row, self._assays[name.lower()], output, name)
        if name.lower() in known:
            return self._as_law(row, known[name.lower()], output, name)
        # Blood is counted by flow cytometry too: the name then says no more than the output does.
        plain = not name or (output != MRD and name.lower() in _MRD_METHODS)
        if plain and output.lower() in self._assays:
            self._used.add(output.lower())
            return self._as_law(row, self._assays[output.lower()], output, name)
        if name:
            raise self._unknown(row, name, output, [*self._names.values(), *known])
        if output == MRD:
            return AmountLaw("", MRD_SD_LN)
        if output == _DRUG:
            return self._as_law(row, CD69_BIOASSAY, output, "")
        hint = "" if output in OUTPUTS else closest(output, OUTPUTS)
        raise row.problem(
            "DVID",
            f"the error of {output} is not known.{hint} It belongs to the laboratory and has no default: give the SD of "
            f"ln(measured) with assays={{{output!r}: 0.3}}, an assay, or a column SD_LN",
        )

    def unused(self) -> list[str]:
        """Return the keys of `assays` that were probably meant for another name.

        They are neither an output nor an ASSAY of any row, and stand for an SD, or resemble an output. A method that is
        described and does not occur is none of them: one description serves many tables.
        """
        idle = {key: name for key, name in self._names.items() if key not in self._used}
        return [name for key, name in idle.items() if isinstance(self._assays[key], float) or closest(key, OUTPUTS)]

    def _as_law(self, row: TableRow, assay: Assay | float, output: str, name: str) -> Law:
        if isinstance(assay, float):
            return AmountLaw(name, assay)
        unit = _UNITS[type(assay)]
        if OUTPUTS.get(output, unit) != unit or (isinstance(assay, MrdAssay) and output != MRD):
            raise row.problem("ASSAY", f"{assay.name} is a {type(assay).__name__}: it does not measure {output}")
        if isinstance(assay, MrdAssay):
            return assay
        if isinstance(assay, CountAssay):
            return AmountLaw(assay.name, assay.sd_ln, 0.0, assay.floor_per_ul)
        own = math.sqrt(assay.sd_variance_between_patients)
        return AmountLaw(assay.name, assay.sd_ln, own, assay.lower_limit_pg_per_ml, assay.upper_limit_pg_per_ml)

    def _unknown(self, row: TableRow, name: str, output: str, known: list[str]) -> Exception:
        hint = closest(name.lower(), [each.lower() for each in known])
        listed = ", ".join(dict.fromkeys(known)) or "none"
        another = f"Describe another one with assays={{{name!r}: ...}}."
        return row.problem("ASSAY", f"unknown assay {name!r} of {output}.{hint} Known: {listed}. {another}")


def _checked(key: str, assay: Assay | float) -> Assay | float:
    if isinstance(assay, (MrdAssay, CountAssay, DrugLevelAssay)):
        return assay
    if isinstance(assay, str):
        raise ParameterError(
            f"assays[{key!r}] = {shown(assay)} is text: expected an MrdAssay, a CountAssay, a DrugLevelAssay, or the SD of "
            "ln(measured)"
        )
    return number(f"assays[{key!r}]", assay, "ln", (1e-3, 20.0), _SD_HINT)
