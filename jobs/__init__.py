"""When and in what order. Imported before numpy, so that what numeric libraries read once is set here."""

import os

# Two cores are shared by the web, the worker and a job. A pool of spinning BLAS or OpenMP threads waits for cores that
# another process has: a sum that takes 9 µs alone took 20 ms, and training ten times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
