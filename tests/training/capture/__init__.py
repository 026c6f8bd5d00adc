"""Tests of tonerig.training.capture."""
