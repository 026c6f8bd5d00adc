"""``python -m tonerig.realtime.cli`` is ``tonerig``."""

from . import main

main()
