"""The other solvers, one file each; every one is given the same compiled right-hand side if it can take one."""

from benchmarks.peers import numbalsoda_lsoda, roadrunner_cvode, scipy_methods, sundae_cvode
from benchmarks.solver import Solver


def peers() -> tuple[Solver, ...]:
    """Return every peer, installed or not."""
    return (*numbalsoda_lsoda.SOLVERS, *scipy_methods.SOLVERS, *sundae_cvode.SOLVERS, *roadrunner_cvode.SOLVERS)
