"""A NONMEM control stub beside a table of numbers: censoring by F_FLAG, as NONMEM itself knows no CENS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bitesim.assays import MrdOutcome
from bitesim.foundation.errors import ScenarioError
from bitesim.inference.observations import AmountObserved, MrdObserved, Observed, PatientData
from bitesim.inference.table_writing import write_patients

#: Column of the table -> label in $INPUT, of at most 20 characters.
_LABELS: Final[dict[str, str]] = {
    **{
        name: name for name in ("ID", "TIME", "EVID", "AMT", "RATE", "CMT", "II", "SS", "DVID", "DV", "MDV", "CENS", "LIMIT")
    },
    **{name: name for name in ("SD_LN", "WT", "BSA", "HT", "AGE", "T_CELL_FITNESS", "BASELINE_MRD")},
    "BASELINE_B_CELLS_PER_UL": "BASELINE_B",
    "BASELINE_CD8_T_CELLS_PER_UL": "BASELINE_CD8",
    "BASELINE_BLAST_FRACTION": "BASELINE_BLASTS",
}
#: The likelihood of AmountObserved: -2 ln of the density of ln(DV), or the probability between two limits.
_ERROR_BLOCK: Final = """\
  LNP = LOG(IPRED)
  DVX = DV
  SDX = SD_LN
  IF (EVID.NE.0) DVX = 1
  IF (EVID.NE.0) SDX = 1
  ZDV = (LOG(DVX) - LNP)/SDX
  IF (CENS.EQ.0) THEN
    F_FLAG = 2
    Y = ZDV**2 + 2*LOG(SDX) + {ln_2_pi!r}
  ENDIF
  IF (CENS.EQ.1) THEN
    F_FLAG = 1
    Y = PHI(ZDV)
    IF (LIMIT.GT.0) Y = PHI(ZDV) - PHI((LOG(LIMIT) - LNP)/SDX)
  ENDIF
  IF (CENS.EQ.-1) THEN
    F_FLAG = 1
    Y = PHI(-ZDV)
  ENDIF
"""


def nonmem_stub(patients: Sequence[PatientData], path: str | Path) -> str:
    """Write a NONMEM control stub and its table of numbers, and return the stub.

    Parameters
    ----------
    patients : PatientTable or sequence of PatientData
    path : path
        Of the stub, e.g. 'fit.ctl'; the table is written beside it, 'fit.csv'.

    Returns
    -------
    str
        $INPUT, $DATA and the $ERROR block; the model, $PK and $DES, is left to be written. Comments say which patient,
        output and compartment each number is. MRD that was counted becomes an amount between its limits, with the method's
        SD, as NONMEM has no law of counts.

    Raises
    ------
    ParameterError
        For patients that a table cannot hold; see `write_patients`.
    """
    control = Path(path)
    data = control.with_suffix(".csv")
    if data == control:
        raise ScenarioError(
            f"path {control} is the stub's and would be its table's too: give it another suffix, e.g. '.ctl'"
        )
    as_amounts = [PatientData(each.patient, each.regimen, tuple(map(_as_amount, each.observations))) for each in patients]
    rows = write_patients(as_amounts)
    names = [column for column in _LABELS if rows and column in rows[0]]
    numbers = {column: _numbering(rows, column) for column in ("ID", "DVID", "CMT")}
    lines = [",".join(names)]
    for row in rows:
        cells = [numbers[column].get(row[column], row[column]) if column in numbers else row[column] for column in names]
        lines.append(",".join("." if cell is None else str(cell) for cell in cells))
    text = _control(names, numbers, data.name, as_amounts)
    try:
        data.write_text("\n".join(lines) + "\n", encoding="utf-8")
        control.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise ScenarioError(f"NONMEM stub {control} cannot be written: {problem}") from None
    return text


def _as_amount(observed: Observed) -> AmountObserved:
    """Return counted MRD as an amount between its limits."""
    if not isinstance(observed, MrdObserved):
        return observed
    sample = observed.sample
    lower, upper = {
        MrdOutcome.NOT_DETECTED: (0.0, sample.limit_of_detection),
        MrdOutcome.POSITIVE_NOT_QUANTIFIABLE: (sample.limit_of_detection, sample.limit_of_quantification),
        MrdOutcome.QUANTIFIED: (observed.value, observed.value),
    }[observed.outcome]
    sd_ln = max(sample.assay.sd_log10 * math.log(10.0), 1e-3)
    return AmountObserved(observed.time_days, observed.output, lower, upper, sd_ln, assay=sample.assay.name)


def _numbering(rows: list[dict[str, Any]], column: str) -> dict[Any, int]:
    """Return value -> number from 1, in the order met; 'drug' is compartment 1."""
    met = dict.fromkeys(row[column] for row in rows if row[column] is not None)
    ordered = sorted(met, key=lambda value: value != "drug") if column == "CMT" else list(met)
    return {value: number for number, value in enumerate(ordered, start=1)}


def _control(names: list[str], numbers: dict[str, dict[Any, int]], data: str, patients: list[PatientData]) -> str:
    meanings = {"ID": "patient", "DVID": "output", "CMT": "compartment"}
    comments = [
        f"; {column} {number}: {meanings[column]} {value}"
        for column, known in numbers.items()
        for value, number in known.items()
    ]
    seen = [each for data_ in patients for each in data_.observations if isinstance(each, AmountObserved)]
    own = {(each.output, each.own_sd_ln) for each in seen if each.own_sd_ln > 0.0}
    comments += [f"; SD_LN of {output} differs between patients: times EXP(ETA), SD {sd:.4g}" for output, sd in sorted(own)]
    outputs = [f"  IF (DVID.EQ.{number}) IPRED = OUTPUT{number} ; {output}" for output, number in numbers["DVID"].items()]
    return "\n".join(
        [
            "$PROBLEM written by bitesim: days, ug, the outputs' own units",
            *comments,
            f"$INPUT {' '.join(_LABELS[name] for name in names)}",
            f"$DATA {data} IGNORE=@",
            "; to be written: $SUBROUTINES, $MODEL, $PK, $DES, and OUTPUT1, OUTPUT2, ... as functions of A",
            "$ERROR",
            "  IPRED = 1",
            *outputs,
            _ERROR_BLOCK.format(ln_2_pi=math.log(2.0 * math.pi)).rstrip(),
            "; to be written: $THETA, $OMEGA",
            "$ESTIMATION METHOD=1 LAPLACE NUMERICAL SLOW MAXEVAL=9999 NOABORT",
            "",
        ]
    )
