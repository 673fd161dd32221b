"""Tests of the integrators and of the arithmetic below them."""
