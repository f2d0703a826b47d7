"""Evaluate trained models, and compare them.

evaluation      accuracy, the confusion matrix and samples of the test set
images          weights as PNG, prediction figures as SVG
model_card      models/card.md
trained_models  models in the workspace, in revisions and in DVC's cache
revisions       models in commits, branches, tags and DVC experiments
comparison, significance   how two or more differ, beyond noise
dataset_changes   what changed between two versions of a data set
staleness       whether dvc.lock agrees with params, code and data
"""
