"""The verbs of the pipeline: the stages of dvc.yaml, each a module of its name, and `track`."""
