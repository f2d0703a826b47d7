"""Evaluate trained models, and compare them.

evaluation      compute predictions and metrics
images          draw weights as PNG and prediction figures as SVG
model_card      write models/card.md
trained_models  read models and results from the workspace or a revision
revisions       find models in commits, branches, tags and DVC experiments
comparison, significance   compare models, and test whether they differ by more than noise
dataset_changes   describe the changes between two versions of a data set
staleness       check whether dvc.lock agrees with params, code and data
"""
