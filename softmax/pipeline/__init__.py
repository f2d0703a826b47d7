"""What each stage needs: its params, its data set's pins, and where and how facts are written.

    params     params.yaml as typed, validated values
    catalog    datasets.yaml: data sets by name, each file pinned by its SHA-256
    paths      where the facts lie, as in dvc.yaml
    files      the same bytes everywhere, whole files or none
    recorder   the door to MLflow

All of it matters to every stage, so that dvc.yaml names the folder.
"""
