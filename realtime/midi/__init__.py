"""MIDI: events for the audio thread, ports, and files."""
