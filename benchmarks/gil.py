"""Whether blocks are lost while two Python threads are busy, beside a plain Python callback in the same run.

    python benchmarks/gil.py [SECONDS]

Needs ``jackd``. Run it alone on the machine, and as root or with real-time priority granted.
"""

from __future__ import annotations

import json
import sys

from tonerig.realtime.bench.gil import gil


def main() -> None:
    print(json.dumps(gil(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0), indent=2))


if __name__ == "__main__":
    main()
