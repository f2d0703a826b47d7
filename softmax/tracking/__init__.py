"""Log models and their results to MLflow: when, where and by whom each was trained.

    recording   a run for each trained model, and the process that logs for stages
    sync        from the outputs on disk to a run; may be repeated
    sweeps      the runs of models that were trained together, under one parent run
    views       tables and images that a run shows, and links to charts
    registry    registered models, and the champion
    serving     the code that MLflow serves
    store       the connection to MLflow

Tracking cannot change an output: stages reach it only through softmax/pipeline/recorder.py,
dvc.yaml does not name it, and tests/tracking/test_hook.py removes it.
"""
