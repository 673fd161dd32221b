"""The published figures of an hour and of days: what differs between them, and that nothing else does."""

import pytest

from bitesim.foundation.errors import ParameterError, UnknownNameError
from bitesim.mechanisms.serial_killing import (
    LIU_2023_HOUR,
    LIU_2023_SERIAL,
    NEVER_MINUTES,
    cell_parameters,
    minutes_of_cd3_loss,
)
from bitesim.mechanisms.synapse_formation import LIU_2023_BASE


def test_only_what_the_paper_changes_is_changed():
    assert {name: LIU_2023_HOUR[name] for name in LIU_2023_BASE} == dict(LIU_2023_BASE)
    changed = {name for name, value in LIU_2023_SERIAL.items() if value != LIU_2023_HOUR[name]}
    assert changed == {"cd19_internalisation_per_min", "synapse_minutes", "rebinding_minutes", "cd3_loss_minutes"}
    assert (LIU_2023_SERIAL["synapse_minutes"], LIU_2023_SERIAL["cd19_internalisation_per_min"]) == (150.0, 0.0)


def test_cd3_is_lost_for_an_hour_or_for_ever():
    serial, hour = cell_parameters(True), cell_parameters(False)
    assert [minutes_of_cd3_loss(minute, serial) for minute in (30.0, 60.0, 90.0)] == [30.0, 60.0, 60.0]
    assert minutes_of_cd3_loss(600.0, hour) == 600.0
    assert hour.synapse_minutes == NEVER_MINUTES


def test_parameters_are_known_by_name():
    assert cell_parameters(True, synapse_minutes=90.0).synapse_minutes == 90.0
    with pytest.raises(UnknownNameError, match="Did you mean 'synapse_minutes'"):
        cell_parameters(True, synapse_minute=90.0)
    with pytest.raises(ParameterError, match="synapse_minutes = 0"):
        cell_parameters(True, synapse_minutes=0.0)
