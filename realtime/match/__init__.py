"""From a sound to a patch that plays it: estimators, candidates rendered and compared, refinement."""
