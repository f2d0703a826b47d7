"""What git, DVC and dvc.lock know of trained models. No stage needs it: tools and MLflow do.

lock         dvc.lock: params, and MD5s of what the stages read and made
facts        the facts of one model as they lie on disk
revisions    the models of commits, branches, tags and experiments
models       one of them, or of the workspace, to ask
reading      all that a comparison needs of a model
significance whether two models differ beyond noise
comparison   two models side by side
overview     one model and several others in a table
staleness    whether dvc.lock agrees with what is here
imports      what a module imports, read from the code
"""
