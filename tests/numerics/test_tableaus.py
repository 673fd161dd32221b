"""Order conditions of the tableaus, and that a wrong coefficient is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from bitesim.numerics.tableaus import RODAS5P, rooted_trees, tree_density, tree_order


def test_number_of_rooted_trees_is_the_known_sequence():
    assert [len(list(rooted_trees(order))) for order in range(1, 8)] == [1, 1, 2, 4, 9, 20, 48]


def test_density_of_the_tall_and_the_bushy_tree():
    tall, bushy = ((((),),),), ((), (), ())
    assert (tree_order(tall), tree_density(tall)) == (4, 24)
    assert (tree_order(bushy), tree_density(bushy)) == (4, 4)


def test_rodas5p_has_the_orders_it_states():
    assert max(RODAS5P.condition_error(RODAS5P.weights, order) for order in range(1, 6)) < 1e-12
    assert RODAS5P.condition_error(RODAS5P.weights, 6) > 1e-3
    assert RODAS5P.condition_error(RODAS5P.embedded_weights, 5) > 1e-3


@pytest.mark.parametrize("theta", [0.1, 0.5, 0.9])
def test_the_interpolant_has_order_four(theta):
    weights = RODAS5P.dense_weights(theta)
    assert max(RODAS5P.condition_error(weights, order, theta) for order in range(1, 5)) < 1e-12


def test_a_changed_coefficient_is_refused():
    wrong = np.array(RODAS5P.a)
    wrong[2, 1] += 1e-6
    with pytest.raises(ValueError, match="order conditions are violated"):
        replace(RODAS5P, a=wrong)
