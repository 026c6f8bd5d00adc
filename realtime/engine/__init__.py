"""The engine: programs of processors, the audio thread that walks them, and its control side."""
