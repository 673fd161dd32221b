"""Pictures; Matplotlib is imported inside the functions, so that importing bitesim stays cheap."""

from bitesim.plots.data_against_model import plot_blood_courses, plot_il6
from bitesim.plots.disagreements import plot_cd3_affinity, plot_disagreement
from bitesim.plots.dish import plot_exhaustion, plot_synapses
from bitesim.plots.trajectories import plot_trajectory

__all__ = [
    "plot_blood_courses",
    "plot_cd3_affinity",
    "plot_disagreement",
    "plot_exhaustion",
    "plot_il6",
    "plot_synapses",
    "plot_trajectory",
]
