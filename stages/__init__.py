"""The verbs: the stages of dvc.yaml, each a module of its name; beside them what people run."""
