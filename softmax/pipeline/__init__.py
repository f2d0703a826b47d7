"""Provide what all stages need: params, data set entries, paths, writing of outputs, logging.

params     params.yaml as typed, validated values
datasets   datasets.yaml: data sets by name, with the SHA-256 of each file
paths      the paths of outputs, as in dvc.yaml
files      outputs with the same bytes everywhere, written completely or not at all
dvc_lock   dvc.lock: the params, inputs and outputs of each stage
recorder   the hook to MLflow
"""
