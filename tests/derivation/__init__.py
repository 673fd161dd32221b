"""The derivation of straight-line code: tracing, differentiation, elimination, printing, the generated module."""
