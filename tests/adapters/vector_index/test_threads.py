"""How many threads the library behind numpy makes."""

import subprocess
import sys

import pytest

SHOW = "import os; import {module}; print(os.environ['OPENBLAS_NUM_THREADS'], os.listdir('/proc/self/task').__len__())"


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize("module", ["pgvector", "matrix"])
def test_the_library_makes_no_threads_of_its_own(module):
    code = SHOW.format(module=f"armarium.adapters.vector_index.{module}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]
