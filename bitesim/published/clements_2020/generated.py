"""Straight-line code of model clements2020.

2 states; 2 entries of the Jacobian may differ from 0, 3 with fill-in.
Generated from the model's equations by `bitesim derive clements2020`; do not edit.
Equations: bfb8b733f1300b2a8f4eee0895ec9c74d167c535d892b7d3458a45e4090924e2
"""

from bitesim.model.derived import Derived, Tangents
from bitesim.numerics.elementary import choose, log, power

# ruff: noqa: E501
# fmt: off


def fill_constants(constants):
    """What depends on parameters alone."""
    volume_l = constants[1]
    c0 = 1.0 / volume_l
    bsa_exponent = constants[2]
    reference_bsa_m2 = constants[3]
    bsa_m2 = constants[4]
    c3 = power(bsa_m2 * (1.0 / reference_bsa_m2), bsa_exponent)
    clearance_l_per_h = constants[0]
    constants[5] = -24.0 * c0 * c3 * clearance_l_per_h
    constants[6] = 24.0 * c0 * c3 * clearance_l_per_h
    constants[7] = 1000.0 * c0


def initial_state(constants, state):
    """The untreated patient."""
    state[0] = 0.0
    state[1] = 0.0


def rate_of_change(state, constants, rate):
    """d state / dt without infusion."""
    drug_ug = state[0]
    c4 = constants[5]
    rate[0] = c4 * drug_ug
    c5 = constants[6]
    rate[1] = c5 * drug_ug


def jacobian(state, constants, values):
    """d rate / d state, in the order of PATTERN."""
    c4 = constants[5]
    values[0] = c4
    c5 = constants[6]
    values[1] = c5


def factorise(state, constants, diagonal, factors):
    """LU factors of diagonal[0] * identity - jacobian."""
    c4 = constants[5]
    w0_0 = c4
    c5 = constants[6]
    w1_0 = c5
    largest = diagonal[0]
    w0_0 = largest - w0_0
    w1_1 = largest
    w1_0 = -w1_0
    w0_0 = 1.0 / w0_0
    factors[0] = w0_0
    w1_0 = w1_0 * w0_0
    factors[1] = w1_0
    w1_1 = 1.0 / w1_1
    factors[2] = w1_1


def solve(factors, vector):
    """Solve in place."""
    x0 = vector[0]
    x1 = vector[1]
    x1 = x1 - factors[1] * x0
    x0 = x0 * factors[0]
    x1 = x1 * factors[2]
    vector[1] = x1
    vector[0] = x0


def readouts(state, constants, outputs):
    """What a laboratory reports."""
    drug_ug = state[0]
    c6 = constants[7]
    outputs[0] = c6 * drug_ug


def tangent_constants(constants, constants_dot):
    """Directions of the parameters to those of all constants."""
    volume_l = constants[1]
    c0 = 1.0 / volume_l
    reference_bsa_m2 = constants[3]
    c1 = 1.0 / reference_bsa_m2
    bsa_m2 = constants[4]
    c2 = bsa_m2 * c1
    bsa_exponent = constants[2]
    c3 = power(c2, bsa_exponent)
    volume_l_dot = constants_dot[1]
    c9 = -c0 * c0 * volume_l_dot
    bsa_exponent_dot = constants_dot[2]
    reference_bsa_m2_dot = constants_dot[3]
    bsa_m2_dot = constants_dot[4]
    c20 = bsa_exponent_dot * choose(c2, 1e-30, log(c2) * c3, 0.0) + (bsa_m2 * (-c1 * c1 * reference_bsa_m2_dot) + bsa_m2_dot * c1) * choose(c2, 1e-30, bsa_exponent * (1.0 / c2) * c3, 0.0)
    clearance_l_per_h = constants[0]
    clearance_l_per_h_dot = constants_dot[0]
    constants_dot[5] = c20 * (-24.0 * c0 * clearance_l_per_h) + -24.0 * c3 * clearance_l_per_h * c9 + -24.0 * c0 * c3 * clearance_l_per_h_dot
    constants_dot[6] = c20 * (24.0 * c0 * clearance_l_per_h) + 24.0 * c3 * clearance_l_per_h * c9 + 24.0 * c0 * c3 * clearance_l_per_h_dot
    constants_dot[7] = 1000.0 * c9


def tangent_initial_state(constants, constants_dot, result_dot):
    """Of the untreated patient."""
    result_dot[0] = 0.0
    result_dot[1] = 0.0


def tangent_rate(state, constants, state_dot, constants_dot, result_dot):
    """Of rate_of_change."""
    drug_ug = state[0]
    c4 = constants[5]
    drug_ug_dot = state_dot[0]
    c4_dot = constants_dot[5]
    result_dot[0] = c4 * drug_ug_dot + c4_dot * drug_ug
    c5 = constants[6]
    c5_dot = constants_dot[6]
    result_dot[1] = c5 * drug_ug_dot + c5_dot * drug_ug


def tangent_jacobian(state, constants, state_dot, constants_dot, result_dot):
    """Of jacobian."""
    c4_dot = constants_dot[5]
    result_dot[0] = c4_dot
    c5_dot = constants_dot[6]
    result_dot[1] = c5_dot


def tangent_readouts(state, constants, state_dot, constants_dot, result_dot):
    """Of readouts."""
    drug_ug = state[0]
    c6 = constants[7]
    drug_ug_dot = state_dot[0]
    c6_dot = constants_dot[7]
    result_dot[0] = c6 * drug_ug_dot + c6_dot * drug_ug


PATTERN = (
    (0, 0), (1, 0),
)

DERIVED = Derived(
    digest="bfb8b733f1300b2a8f4eee0895ec9c74d167c535d892b7d3458a45e4090924e2",
    n_parameters=5,
    n_constants=8,
    n_factors=3,
    pattern=PATTERN,
    fill_constants=fill_constants,
    initial_state=initial_state,
    rate_of_change=rate_of_change,
    jacobian=jacobian,
    factorise=factorise,
    solve=solve,
    readouts=readouts,
    tangents=Tangents(
        constants=tangent_constants,
        initial_state=tangent_initial_state,
        rate=tangent_rate,
        jacobian=tangent_jacobian,
        readouts=tangent_readouts,
    ),
)
