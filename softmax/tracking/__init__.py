"""MLflow: when, where and by whom a model was trained, and its facts for people to compare.

    recording   what a stage may log, and for how long
    events      what happened: a run for each trained model
    replay      facts, from disk to a run; again and again if need be
    sweeps      the rows of models that were trained together, under one
    seeds       what rows say of one recipe with other seeds
    tables      what a row says of classes and mistakes
    slider      the picture of weights that MLflow shows step by step
    registry    models to serve, and the champion
    registered  one of them, to ask
    serving     the code that MLflow serves
    views       the links at which MLflow shows the rows
    store       how to reach MLflow

Events cannot change facts: stages reach this through softmax/pipeline/recorder.py alone, dvc.yaml
does not name it, and tests/tracking/test_door.py takes it away.
"""
