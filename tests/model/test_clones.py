"""Clones name processes and species that their model has."""

import pytest

from bitesim.foundation.errors import UnknownNameError
from bitesim.leukaemia import LEUKAEMIA
from bitesim.model import Clone, Model


def test_every_process_of_blasts_belongs_to_a_clone():
    named = {process for clone in LEUKAEMIA.clones for process in clone.processes}
    of_blasts = {
        name for name, changes in LEUKAEMIA.processes.items() if any(species.startswith("ln_") for species in changes)
    }
    # What leaves one phase and enters the other is one event: it is named where it leaves.
    entering = {name for name in of_blasts if name.endswith(("_from_cycle", "_awakened")) or name == "antigen_low_gain"}
    assert named == of_blasts - entering


def test_what_each_phase_loses_is_what_its_processes_change():
    for clone in LEUKAEMIA.clones:
        for species, losses in ((clone.cycling, clone.cycling_losses), (clone.quiescent, clone.quiescent_losses)):
            assert all(LEUKAEMIA.processes[name][species] == -1 for name in losses)
        assert LEUKAEMIA.processes[clone.birth] == {clone.cycling: +1}


@pytest.mark.parametrize("wrong", [{"birth": "blasts_births"}, {"cycling": "ln_blasts"}])
def test_unknown_names_are_refused(wrong):
    clone = Clone(**{**vars(LEUKAEMIA.clones[0]), **wrong})
    with pytest.raises(UnknownNameError):
        Model(**{**{name: getattr(LEUKAEMIA, name) for name in LEUKAEMIA.__dataclass_fields__}, "clones": (clone,)})
