"""Synthesizers: processors that add a sound of their own, played from MIDI, to what comes in.

``four`` and ``two`` have parameters that estimators tell from a sound, ``sampler`` plays recordings. The
samples of a voice are written once (``*_voice``), for whatever they are compiled for (``target_code``).
"""
