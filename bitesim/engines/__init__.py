"""Engines: they run a model's processes through a schedule and all give one Trajectory back."""
