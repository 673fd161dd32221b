"""Pictures; Matplotlib is imported inside the functions, so that importing bitesim stays cheap."""

from bitesim.plots.cohort_events import plot_events, plot_survival
from bitesim.plots.cohorts import plot_bands, plot_clinical_cohort, plot_spaghetti, plot_waterfall
from bitesim.plots.data_against_model import plot_blood_courses, plot_il6
from bitesim.plots.disagreements import plot_cd3_affinity, plot_disagreement
from bitesim.plots.dish import plot_exhaustion, plot_synapses
from bitesim.plots.dish_cells import plot_synapse_population
from bitesim.plots.facts import plot_calibrated, plot_facts
from bitesim.plots.forecasts import plot_forecast
from bitesim.plots.hybrid import plot_cure_against_nadir, plot_extinction_times, plot_fan, plot_hybrid
from bitesim.plots.niche import (
    plot_contact_survival,
    plot_kills_per_t_cell,
    plot_niche,
    plot_niche_clones,
    plot_niche_contacts,
    plot_niche_counts,
    plot_spatial_factors,
)
from bitesim.plots.niche_views import animate_niche, plot_niche_3d, plot_niche_slice
from bitesim.plots.swimmer import plot_swimmer
from bitesim.plots.trajectories import plot_trajectory

__all__ = [
    "animate_niche",
    "plot_bands",
    "plot_blood_courses",
    "plot_calibrated",
    "plot_cd3_affinity",
    "plot_clinical_cohort",
    "plot_contact_survival",
    "plot_cure_against_nadir",
    "plot_disagreement",
    "plot_events",
    "plot_exhaustion",
    "plot_extinction_times",
    "plot_facts",
    "plot_fan",
    "plot_forecast",
    "plot_hybrid",
    "plot_il6",
    "plot_kills_per_t_cell",
    "plot_niche",
    "plot_niche_3d",
    "plot_niche_clones",
    "plot_niche_contacts",
    "plot_niche_counts",
    "plot_niche_slice",
    "plot_spaghetti",
    "plot_spatial_factors",
    "plot_survival",
    "plot_swimmer",
    "plot_synapse_population",
    "plot_synapses",
    "plot_trajectory",
    "plot_waterfall",
]
