"""Test problems: models that are made to be hard for a solver, with reference solutions."""
