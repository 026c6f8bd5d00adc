"""Tests of tonerig.training."""
