"""Mechanisms that several models share: one equation a function, written once for every engine."""
