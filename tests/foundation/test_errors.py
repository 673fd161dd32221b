"""Errors: one family, with did-you-mean."""

import bitesim
from bitesim.foundation.errors import DocstringError, closest, needs_extra, unknown_name


def test_the_family():
    for error, builtin in (
        (bitesim.ParameterError, ValueError),
        (bitesim.ScenarioError, ValueError),
        (DocstringError, ValueError),
        (bitesim.SolverError, RuntimeError),
        (bitesim.MissingExtraError, ImportError),
    ):
        assert issubclass(error, bitesim.BitesimError)
        assert issubclass(error, builtin)


def test_unknown_names_are_answered_with_the_closest():
    error = unknown_name("model", "hoseini2020", ["hosseini2020", "clements2020"])
    assert str(error) == "unknown model 'hoseini2020'. Did you mean 'hosseini2020'? Known: hosseini2020, clements2020."
    assert isinstance(error, KeyError)
    assert closest("zzz", ["abc"]) == ""


def test_missing_extras_hold_the_command():
    assert "pip install 'bitesim[data]'" in str(needs_extra("pandas", "data", "to_dataframe()"))
