"""The stages of dvc.yaml, each a script of its name."""
