"""What `tonerig bench` measures: ratios within one run, alone on the machine, never in a test."""
