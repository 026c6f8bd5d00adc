"""Learning to tell a synthesizer's parameters from its sound, and measuring how well that goes."""
