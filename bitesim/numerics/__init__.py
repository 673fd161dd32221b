"""Integrators of any right-hand side: they see flat vectors and know no science."""
