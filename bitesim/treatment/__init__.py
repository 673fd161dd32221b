"""The pump: regimens, their exact schedule, the ledger of the drug, and decisions that change what follows."""

from bitesim.treatment.decisions import Continue, DecisionPoint, HoldInfusion, Rule, StopTreatment, Threshold
from bitesim.treatment.dose import DoseRate
from bitesim.treatment.ledger import DrugLedger
from bitesim.treatment.regimen import BagPlan, Bolus, Cycle, DoseStep, Hold, Infusion, Regimen, SteadyState, apply_action
from bitesim.treatment.timetable import RateSegment, Schedule, ScheduleEvent

__all__ = [
    "BagPlan",
    "Bolus",
    "Continue",
    "Cycle",
    "DecisionPoint",
    "DoseRate",
    "DoseStep",
    "DrugLedger",
    "Hold",
    "HoldInfusion",
    "Infusion",
    "RateSegment",
    "Regimen",
    "Rule",
    "Schedule",
    "ScheduleEvent",
    "SteadyState",
    "StopTreatment",
    "Threshold",
    "apply_action",
]
