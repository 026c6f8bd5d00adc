"""Learning an effect: teachers, pairs of dry and wet sound, networks, and their training."""
