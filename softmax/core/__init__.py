"""Compute softmax regression with sums that never round (docs/arithmetic.md).

    arithmetic   fixed-point grids, exact sums, exp and log
    arrays       arrays of NumPy on the CPU and of torch on a GPU
    model        z = W x + b, a = softmax(z), (a - y) x^T, and the file of the weights
    idx          IDX files of images and labels
    batches      data sets, and batches as matrices
    workers      each worker's share of a batch, and sums over all workers

The functions take arrays, numbers and paths. They do not depend on params, DVC or MLflow.
verification/reference.py implements the same algorithm in 220 lines of NumPy.
"""
