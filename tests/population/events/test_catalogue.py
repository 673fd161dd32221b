"""Every parameter of clinical events is read by something, and says where it is from."""

import inspect

import pytest

from bitesim.population import clinical_cohort
from bitesim.population.events import course, toxicity, transplantation
from bitesim.population.events.catalogue import EVENTS

SOURCES = "".join(inspect.getsource(module) for module in (clinical_cohort, course, toxicity, transplantation))


@pytest.mark.parametrize("name", EVENTS)
def test_it_is_read(name):
    assert f"p.{name}" in SOURCES


def test_what_is_no_more_than_assumed_is_called_so():
    for row in EVENTS.values():
        assert (row.knowledge == "assumed") == row.source.startswith(("prior", "from memory")), row.name
