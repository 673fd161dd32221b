"""Tests of the engines, and what those of cohorts share."""
