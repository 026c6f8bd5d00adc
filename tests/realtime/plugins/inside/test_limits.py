"""What the system lets a process of a plugin have."""

from __future__ import annotations

import subprocess
import sys

LIMITED = """
import resource
from tonerig.realtime.plugins.inside.limits import limit
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 3000))
limit({resource.RLIMIT_FSIZE: 5000, resource.RLIMIT_CORE: 0, resource.RLIMIT_DATA: 2**33})
for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_DATA):
    print(*resource.getrlimit(kind))
"""


def test_a_lower_bound_stays() -> None:
    """A shell's or a service's own bound is no error, and is not lifted; without one ours holds."""
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True)
    assert done.stdout == f"3000 3000\n0 0\n{2**33} {2**33}\n", done.stderr
