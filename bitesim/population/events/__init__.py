"""Clinical events: what happens to a patient beside the course of cells and drug, each with its own luck."""
