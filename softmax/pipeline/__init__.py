"""What each stage needs: its params, its data set's entry, and where and how outputs are written.

params     params.yaml as typed, validated values
datasets   datasets.yaml: data sets by name, with the SHA-256 of each file
paths      where the outputs are, as in dvc.yaml
files      the same bytes everywhere, complete files or none
dvc_lock   dvc.lock: which params, inputs and outputs belong together
proxies    servers on this machine are asked without a proxy
recorder   the hook to MLflow
"""
