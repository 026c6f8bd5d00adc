"""The study of *Secret Sauce* (T. Sellam, 2018) on sounds of the two-oscillator synthesizer."""
