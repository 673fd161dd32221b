"""Published models on bitesim's engines, and the registry, bitesim's own model included, by which `simulate` finds one."""

from __future__ import annotations

from typing import Final

from bitesim.foundation.errors import ParameterError, unknown_name
from bitesim.leukaemia import LEUKAEMIA
from bitesim.model import Model
from bitesim.published.clements_2020 import CLEMENTS_2020
from bitesim.published.hosseini_2020 import HOSSEINI_2020, HOSSEINI_2020_NHL

MODELS: Final[dict[str, Model]] = {
    model.name: model for model in (HOSSEINI_2020, HOSSEINI_2020_NHL, CLEMENTS_2020, LEUKAEMIA)
}
#: The model that `simulate` takes when none is named.
DEFAULT_MODEL: Final = LEUKAEMIA


def find_model(model: str | Model | None) -> Model:
    """Return the model of that name, the model itself, or the default for None.

    Raises
    ------
    UnknownNameError
        For a name that no model has; the message names the closest one.
    """
    if model is None:
        return DEFAULT_MODEL
    if isinstance(model, Model):
        return model
    if not isinstance(model, str):
        raise ParameterError(f"model = {model!r} is neither a name nor a Model: use one of {', '.join(MODELS)}")
    if model not in MODELS:
        raise unknown_name("model", model, MODELS)
    return MODELS[model]


__all__ = ["CLEMENTS_2020", "DEFAULT_MODEL", "HOSSEINI_2020", "HOSSEINI_2020_NHL", "MODELS", "find_model"]
