"""Speed and accuracy beside peers. One thread each: process time counts every thread, also those of a linear algebra."""

import os

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
