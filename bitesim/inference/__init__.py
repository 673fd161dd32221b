"""From data to parameters: tables in, one likelihood, individual estimates, calibration and the fact table."""
