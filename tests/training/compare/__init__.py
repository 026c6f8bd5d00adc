"""Tests of tonerig.training.compare."""
