"""Log models and their results to MLflow: when, where and by whom each was trained.

    recording   creates a run for each trained model; the process that logs for stages
    sync        copies the outputs on disk to a run, and can be called again
    sweeps      creates the runs of models that were trained together, under a parent run
    views       prepares tables and images for a run, and links to charts
    registry    registers models, and chooses the champion
    serving     the code that MLflow serves
    store       connects to MLflow

Tracking cannot change an output: stages reach it only through softmax/pipeline/recorder.py,
dvc.yaml does not name it, and tests/tracking/test_hook.py runs the stages without it.
"""
