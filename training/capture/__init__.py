"""Learning from real gear: the sound to play through it, and whether the recording is good."""
