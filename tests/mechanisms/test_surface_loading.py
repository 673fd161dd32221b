"""Drug on two surfaces: the exact equilibrium against fifty digits, against Wang's root, and at its limits."""

import math
from decimal import Decimal, localcontext

import pint
import pytest

from bitesim.foundation.errors import ParameterError
from bitesim.mechanisms.surface_loading import free_drug, load_surfaces, loading_at_free_drug, occupancy, picomolar

UNITS = pint.UnitRegistry()


def plain(function):
    return getattr(function, "py_func", function)


def free_drug_in_fifty_digits(total, cd19, cd19_kd, cd3, cd3_kd):
    """Bisection of the balance in decimal arithmetic."""
    with localcontext() as context:
        context.prec = 50
        total, cd19, cd19_kd, cd3, cd3_kd = map(Decimal, (total, cd19, cd19_kd, cd3, cd3_kd))
        low, high = Decimal(0), total
        for _ in range(220):
            middle = (low + high) / 2
            bound = middle * (cd19 / (cd19_kd + middle) + cd3 / (cd3_kd + middle))
            low, high = (middle, high) if middle + bound < total else (low, middle)
        return float(low)


def free_drug_by_wang(total, cd19, cd19_kd, cd3, cd3_kd):
    """The trigonometric root of the cubic, Wang 1995 eq. 9 and 10, roles of ligand and receptors exchanged."""
    a = cd19_kd + cd3_kd + cd19 + cd3 - total
    b = cd3_kd * (cd19 - total) + cd19_kd * (cd3 - total) + cd19_kd * cd3_kd
    c = -cd19_kd * cd3_kd * total
    angle = math.acos((-2.0 * a**3 + 9.0 * a * b - 27.0 * c) / (2.0 * math.sqrt((a * a - 3.0 * b) ** 3)))
    return -a / 3.0 + 2.0 / 3.0 * math.sqrt(a * a - 3.0 * b) * math.cos(angle / 3.0)


@pytest.mark.parametrize("total", [1e-9, 1e-3, 1.0, 11.1, 360.0, 1e4, 1e6])
@pytest.mark.parametrize(("cd19", "cd3"), [(50.0, 83.0), (0.0, 83.0), (1e5, 1e5), (1e-6, 1e-6)])
def test_free_drug_to_rounding(total, cd19, cd3):
    expected = free_drug_in_fifty_digits(total, cd19, 1490.0, cd3, 260e3)
    assert free_drug(total, cd19, 1490.0, cd3, 260e3) == pytest.approx(expected, rel=1e-12)


def test_tight_binding():
    # 100 pM of drug on 200 pM of sites that hold it for good: a hundred-millionth of it is free.
    expected = free_drug_in_fifty_digits(100.0, 200.0, 1e-6, 50.0, 260e3)
    assert expected == pytest.approx(1e-6, rel=1e-3)
    assert free_drug(100.0, 200.0, 1e-6, 50.0, 260e3) == pytest.approx(expected, rel=1e-12)


def test_the_explicit_root_agrees_where_it_has_digits_and_fails_where_drug_is_scarce():
    sites = (50.0, 1490.0, 83.0, 260e3)
    assert free_drug(360.0, *sites) == pytest.approx(free_drug_by_wang(360.0, *sites), rel=1e-7)
    assert abs(free_drug_by_wang(1e-6, *sites) / free_drug(1e-6, *sites) - 1.0) > 1e-5


def test_drug_is_conserved():
    loading = load_surfaces(20.0, 1e6, 2e6, 3e4, 5e4, drug_kda=55.0)
    per_ml = 1e-9 * 20.0 / 55e3 * 6.02214076e23
    in_solution = loading.free_drug_pm * 1e-15 * 6.02214076e23
    assert in_solution + 1e6 * loading.cd19_bound + 2e6 * loading.cd3_bound == pytest.approx(per_ml, rel=1e-12)


def test_limits():
    assert load_surfaces(0.0, 1e6, 1e6, 3e4, 5e4).cd19_occupancy == 0.0
    without_cells = load_surfaces(0.6, 0.0, 0.0, 3e4, 5e4)
    assert without_cells.free_drug_pm == pytest.approx(0.6e3 / 54.0, rel=1e-15)
    assert without_cells == loading_at_free_drug(without_cells.free_drug_pm, 3e4, 5e4)
    much = load_surfaces(1e5, 1e6, 1e6, 3e4, 5e4)
    assert 0.999 < much.cd19_occupancy < 1.0
    assert much.cd19_bound == pytest.approx(3e4, rel=1e-3)
    # Each receptor takes drug from the other.
    assert load_surfaces(1.0, 1e6, 1e9, 3e4, 5e4).cd19_occupancy < load_surfaces(1.0, 1e6, 1e6, 3e4, 5e4).cd19_occupancy


def test_molar_concentration_of_a_clinical_level():
    # 600 pg/mL is 11.1 pM at 54 kDa, 134 times below the dissociation constant of CD19.
    assert picomolar(0.6, 54.0) == pytest.approx(11.11, abs=0.01)
    assert 1490.0 / picomolar(0.6, 54.0) == pytest.approx(134.0, abs=0.5)
    assert occupancy(1490.0, 1490.0) == 0.5


def test_dimensions():
    drug, kd = 11.0 * UNITS.picomolar, 1.49 * UNITS.nanomolar
    assert plain(occupancy)(drug, kd).to("").magnitude == pytest.approx(11.0 / 1501.0)
    # kDa is a mass per amount; the factor 1e3 carries ng/mL per kg/mol to pM, and is checked as a pure number.
    assert plain(picomolar)(1.0, 54.0) == pytest.approx(
        (1.0 * UNITS.ng / UNITS.ml / (54e3 * UNITS.g / UNITS.mol)).to("pM").m
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"drug_ng_per_ml": 600e3},
            r"drug_ng_per_ml = 600000\.0 ng/mL .* 0 to 100000 ng/mL.* pg/mL must be divided by 1000",
        ),
        ({"drug_ng_per_ml": -1.0}, "drug_ng_per_ml"),
        ({"targets_per_ml": math.nan}, "targets_per_ml = nan"),
        ({"effectors_per_ml": "many"}, "effectors_per_ml = 'many' is text"),
        ({"cd19_copies": 1e9}, "cd19_copies .* not per um2"),
        ({"cd3_copies": -1.0}, "cd3_copies"),
        ({"cd19_dissociation_pm": 0.0}, "cd19_dissociation_pm .* 1.49 nM is 1490 pM"),
        ({"cd3_dissociation_pm": True}, "cd3_dissociation_pm = True is a truth value"),
        ({"drug_kda": 54000.0}, "drug_kda .* 54 kDa"),
    ],
)
def test_bad_input_is_named(change, words):
    good = {
        "drug_ng_per_ml": 0.6,
        "targets_per_ml": 1e6,
        "effectors_per_ml": 1e6,
        "cd19_copies": 3e4,
        "cd3_copies": 5e4,
    }
    with pytest.raises(ParameterError, match=words):
        load_surfaces(**(good | change))


def test_free_level_in_pg_per_ml_is_explained():
    with pytest.raises(ParameterError, match=r"free_pm = -1\.0 pM .*divide pg/mL by 54"):
        loading_at_free_drug(-1.0, 3e4, 5e4)
