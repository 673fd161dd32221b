"""From data to parameters: tables in, one likelihood, individual estimates, calibration and the fact table."""

from bitesim.inference.nonmem_stub import nonmem_stub
from bitesim.inference.observations import AmountObserved, MrdObserved, PatientData
from bitesim.inference.patient_table import PatientTable
from bitesim.inference.shipped_patients import klinger_patients
from bitesim.inference.table_reading import read_patients
from bitesim.inference.table_writing import write_patients

__all__ = [
    "AmountObserved",
    "MrdObserved",
    "PatientData",
    "PatientTable",
    "klinger_patients",
    "nonmem_stub",
    "read_patients",
    "write_patients",
]
