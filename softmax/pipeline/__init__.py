"""Provide what each stage needs: params, data set entries, paths, and writing of outputs.

params     params.yaml as typed, validated values
datasets   datasets.yaml: data sets by name, with the SHA-256 of each file
paths      where the outputs are, as in dvc.yaml
files      the same bytes everywhere, complete files or none
dvc_lock   dvc.lock: which params, inputs and outputs belong together
recorder   the hook to MLflow
"""
