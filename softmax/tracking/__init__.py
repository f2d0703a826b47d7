"""MLflow: when, where and by whom a model was trained, and its results for people to compare.

    recording   a run for each trained model: what a stage may log, and for how long
    sync        from the outputs on disk to a run; again and again if need be
    sweeps      the runs of models that were trained together, under one parent run
    views       what a run shows of classes and mistakes, and links to charts
    registry    models to serve, and the champion
    serving     the code that MLflow serves
    store       how to reach MLflow

Tracking can change no output: stages reach it through softmax/pipeline/recorder.py alone, dvc.yaml
does not name it, and tests/tracking/test_hook.py takes it away.
"""
