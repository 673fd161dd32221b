"""Catalogues: complete rows, unique names, a record type in their order."""

import inspect
import re
from pathlib import Path

import pytest

import bitesim
from bitesim import ParameterError
from bitesim.parameters import Catalogue, Parameter

ROW = Parameter("rate", "1/d", 1.0, (0.0, 2.0), "a rate", "nobody 2020")


def plain_function(kernel):
    return getattr(kernel, "py_func", kernel)


def test_every_parameter_of_every_model_says_what_it_is_and_where_it_comes_from():
    for model in bitesim.MODELS.values():
        for row in model.catalogue.values():
            assert row.meaning
            assert row.source
            # bitesim's own model has no paper whose symbols it could cite.
            assert row.symbol or model.name == "leukaemia", row.name
            assert row.bounds[0] <= row.default <= row.bounds[1]


def test_every_parameter_is_read_by_its_model():
    package = Path(bitesim.__file__).parent
    for model in bitesim.MODELS.values():
        own = Path(inspect.getfile(plain_function(model.fluxes))).parent
        files = [*own.glob("*.py"), *(package / "mechanisms").glob("*.py")]
        text = "".join(path.read_text() for path in files if not path.stem.startswith("generated"))
        for name in model.catalogue:
            assert re.search(rf"\bp\.{name}\b", text), (model.name, name)


def test_bad_rows_are_refused():
    with pytest.raises(ParameterError, match="outside its bounds"):
        Parameter("rate", "1/d", 3.0, (0.0, 2.0), "a rate", "nobody 2020")
    with pytest.raises(ParameterError, match="its source"):
        Parameter("rate", "1/d", 1.0, (0.0, 2.0), "a rate", "")
    with pytest.raises(ParameterError, match="stand twice: rate"):
        Catalogue("model", (ROW, ROW))


def test_order_names_and_printing():
    catalogue = Catalogue("model", (ROW,))
    assert catalogue.record_type.names == ("rate",)
    assert "nobody 2020" in catalogue._repr_html_()
    assert catalogue.rows()[0]["unit"] == "1/d"
    with pytest.raises(ParameterError, match="Did you mean 'rate'"):
        catalogue["rat"]


def test_the_between_patient_spread_of_clearance_is_the_papers():
    spread = bitesim.MODELS["clements2020"].catalogue["clearance_l_per_h"].between_patients
    assert (spread.distribution, spread.sd) == ("log-normal", 0.476)
