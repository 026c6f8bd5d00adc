"""Plugins of others, hosted in processes of their own: the worst one costs its own sound and nothing else."""
