"""The verbs of the pipeline: each module is the stage of its name in dvc.yaml."""
