"""A laboratory measurement as one definition, from which both sampling and likelihood follow."""

from bitesim.assays.blood_counts import CountAssay
from bitesim.assays.censored import CensoredResults, Censoring
from bitesim.assays.draws import DrawKey
from bitesim.assays.drug_level import CD69_BIOASSAY, DrugLevelAssay
from bitesim.assays.mrd import MrdSample
from bitesim.assays.mrd_methods import MULTICOLOUR_FLOW, NGS, RQ_PCR, MrdAssay
from bitesim.assays.mrd_results import MrdOutcome, MrdProbabilities, MrdResults

__all__ = [
    "CD69_BIOASSAY",
    "MULTICOLOUR_FLOW",
    "NGS",
    "RQ_PCR",
    "CensoredResults",
    "Censoring",
    "CountAssay",
    "DrawKey",
    "DrugLevelAssay",
    "MrdAssay",
    "MrdOutcome",
    "MrdProbabilities",
    "MrdResults",
    "MrdSample",
]
