"""Run the stages of dvc.yaml: each script has the name of its stage."""
