"""The ground floor: errors, checks, units, compiled kernels, named records, random streams, provenance."""
