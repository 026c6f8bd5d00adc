"""Compiled code for the audio thread: what it may use, how it is built, cached and loaded.

``abi``, ``memory`` and ``simd`` are what processors are written with, ``unit`` builds and loads them.
Only ``unit`` may be imported without numba; the rest is imported in the process that compiles.
"""
