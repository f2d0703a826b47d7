"""The stages of dvc.yaml, each a script of its name, and the Python that runs them."""
