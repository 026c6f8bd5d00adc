"""Comparing two sounds: distances, pictures, a page to read and hear, and a blind test."""
