"""How well CD8 T cells of a measured patient are predicted by what the other patients taught, the own future left out.

For each of the 13 adults of Klinger et al. 2012 the between-patient distributions are estimated from the other 12. The
patient's own parameters then follow from the baseline alone, or from the first 48 hours, and the counts of days 7 to 35
are predicted. Two curves of the other patients are the least to beat: their median ratio to baseline times the patient's
baseline, and their median count.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitesim.datasets import BloodCourse, klinger_2012
from bitesim.datasets.blood_counts import REGIMEN
from bitesim.inference.observations import AmountObserved, PatientData
from bitesim.inference.patient_fit import fit_patient
from bitesim.inference.population_fit import PopulationFit, fit_population, with_error
from bitesim.inference.posterior import PatientPosterior
from bitesim.population import Patient
from bitesim.population.count_errors import left_out_median
from bitesim.treatment import Regimen

Floats = NDArray[np.float64]
_OUTPUT: Final = "blood_cd8_t_cells_per_ul"
#: What varies between patients in the course of CD8 T cells -> SD of its logarithm to start from [-].
CD8_PARAMETERS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "margination_gain": 0.5,
        "margination_adaptation_per_day": 0.45,
        "t_cell_division_per_day": 0.2,
        "activated_death_per_day": 0.35,
        "baseline_cd8_t_cells_per_ul": 0.5,
    }
)
FIRST_DAY_PREDICTED: Final = 7.0
_BOOTSTRAPS: Final = 4000
_SEED: Final = 1


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Errors of predictions of patients who were left out.

    Parameters
    ----------
    errors : mapping
        Predictor -> |log10(predicted / measured)|, shape (patients, times from day 7 on).
    fits : tuple of PopulationFit
        Of the others, one a patient.
    """

    errors: Mapping[str, Floats]
    fits: tuple[PopulationFit, ...]

    def median(self, predictor: str) -> float:
        """Return the median error over all counts [-]."""
        return float(np.median(self.errors[predictor]))

    def interval(self, predictor: str, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of the median, with patients drawn anew."""
        low, high = np.quantile(self._drawn(predictor), [0.5 - 0.5 * level, 0.5 + 0.5 * level])
        return float(low), float(high)

    def difference_bound(self, predictor: str, other: str, level: float = 0.9) -> float:
        """Return the upper bound, with probability `level`, of the median error less that of another predictor."""
        return float(np.quantile(self._drawn(predictor) - self._drawn(other), level))

    def _drawn(self, predictor: str) -> Floats:
        errors = self.errors[predictor]
        drawn = np.random.default_rng(_SEED).integers(0, len(errors), (_BOOTSTRAPS, len(errors)))
        return np.asarray(np.median(errors[drawn].reshape(_BOOTSTRAPS, -1), axis=1))

    def _rows(self) -> list[tuple[str, float, float, float, int]]:
        return [(name, self.median(name), *self.interval(name), each.size) for name, each in self.errors.items()]

    def __str__(self) -> str:
        lines = ["median |log10(predicted / measured)| of CD8 T cells, days 7 to 35; the other patients taught the model"]
        lines += [
            f"  {name:38s}{middle:.3f} ({low:.3f} to {high:.3f}), {n} counts" for name, middle, low, high, n in self._rows()
        ]
        for name in (BASELINE, FIRST_48_H):
            bounds = ", ".join(f"{self.difference_bound(name, other):+.3f} of the {other}" for other in (RATIO, COUNT))
            lines.append(f"  {name}: upper 90 % bound of the difference {bounds}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{middle:.3f}</td><td>{low:.3f} to {high:.3f}</td><td>{n}</td></tr>"
            for name, middle, low, high, n in self._rows()
        )
        head = "<tr><th>predictor</th><th>median error [log10]</th><th>95 %</th><th>counts</th></tr>"
        return f"<table><caption>{html.escape(str(self).splitlines()[0])}</caption>{head}{rows}</table>"


RATIO, COUNT = "median ratio of the others", "median count of the others"
BASELINE, FIRST_48_H = "model, baseline only", "model, first 48 hours"


def predict_left_out(
    courses: Sequence[BloodCourse] | None = None, report: Callable[[str], None] = lambda text: None
) -> LeftOut:
    """Leave out each patient in turn, and predict days 7 to 35.

    Parameters
    ----------
    courses : sequence of BloodCourse, optional
        Default: the 13 patients that ship with bitesim.
    report : callable
        Told about progress.
    """
    measured = klinger_2012() if courses is None else list(courses)
    late = measured[0].times_days >= FIRST_DAY_PREDICTED
    patients = [_data(course) for course in measured]
    errors: dict[str, list[Floats]] = {name: [] for name in (BASELINE, FIRST_48_H, RATIO, COUNT)}
    fits = []
    for place, course in enumerate(measured):
        fit = fit_population([data for other, data in enumerate(patients) if other != place], CD8_PARAMETERS)
        fits.append(fit)
        predicted = {
            BASELINE: _predicted(patients[place], fit, 0.0),
            FIRST_48_H: _predicted(patients[place], fit, 2.0),
            RATIO: np.append(1.0, left_out_median(measured, place, of_ratios=True)),
            COUNT: np.append(1.0, left_out_median(measured, place, of_ratios=False)),
        }
        for name, counts in predicted.items():
            errors[name].append(np.abs(np.log10(counts[late] / course.cd8_t_cells_per_ul[late])))
        report(f"patient {course.patient}: {fit.iterations} iterations on the other {len(patients) - 1}")
    return LeftOut({name: np.array(each) for name, each in errors.items()}, tuple(fits))


def _data(course: BloodCourse) -> PatientData:
    patient = Patient(blood_b_cells_per_ul=float(course.b_cells_per_ul[0]), name=f"patient {course.patient}")
    rows = tuple(
        AmountObserved(float(day), _OUTPUT, float(count), float(count), 0.4)
        for day, count in zip(course.times_days, course.cd8_t_cells_per_ul, strict=True)
    )
    return PatientData(patient, Regimen.parse(REGIMEN), rows)


def _predicted(data: PatientData, fit: PopulationFit, until_days: float) -> Floats:
    """Return the counts at every time of a patient of whom the first days are known."""
    whole = with_error(data, fit.sd_ln)
    names, priors = list(fit.medians), dict(fit.priors())
    found = fit_patient(whole.until(until_days), names, priors=priors, starts=1)
    return PatientPosterior(whole, names, priors=priors).outputs(found.scores)
