"""Run the stages of dvc.yaml, each by a script with its name."""
