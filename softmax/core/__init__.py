"""The mathematics: softmax regression in sums that never round (docs/arithmetic.md).

    arithmetic   fixed-point grids, exact sums, exp and log
    arrays       NumPy's on the CPU, torch's on a GPU
    model        z = W x + b, a = softmax(z), (a - y) x^T, and the file of the weights
    idx          the files of images and labels
    batches      data sets, and batches as matrices
    workers      a share of each batch, and the sum over all

It takes arrays, numbers and paths, and does not depend on params, DVC or MLflow.
verification/reference.py implements all of it in 220 lines of NumPy.
"""
