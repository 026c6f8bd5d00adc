"""Tests of tonerig.training.effects."""
