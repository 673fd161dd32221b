"""Provenance: digests follow the content."""

import pytest

import bitesim
from bitesim.foundation.provenance import digest_of, source_digest


def test_digests_follow_the_last_bit():
    assert digest_of([0.1 + 0.2]) != digest_of([0.3])
    assert len(source_digest()) == 64


def test_a_changed_parameter_schedule_or_tolerance_changes_the_digest():
    def digest(**options):
        return bitesim.simulate(
            None, **{"model": "hosseini2020", "regimen": "15 ug/m2/day for 1 d", "times_days": [1.0], **options}
        ).provenance.digest()

    parameters = bitesim.MODELS["hosseini2020"].parameters.replace(killing_per_day=200.0)
    digests = [
        digest(),
        digest(parameters=parameters),
        digest(rtol=1e-7),
        digest(regimen="15 ug/m2/day for 2 d"),
        digest(seed=1),
    ]
    assert len(set(digests)) == len(digests)


def test_versions_are_printed(capsys):
    bitesim.show_versions()
    printed = capsys.readouterr().out
    assert printed.startswith(f"bitesim {bitesim.__version__}")
    assert "numba" in printed


def test_no_time_or_path_is_in_it():
    run = bitesim.simulate(None, None, times_days=[1.0])
    assert "wall" not in str(run.provenance.as_dict())
    assert pytest.approx(run.provenance.settings["rtol"]) == 1e-6
