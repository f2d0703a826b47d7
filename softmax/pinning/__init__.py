"""A data set of one's own as four IDX files and an entry of datasets.yaml.

    reading     what lies at a place: one of the formats below
    idx         four IDX files, whose bytes stay as they are
    folders     images in one folder for each class, decoded
    layout      where these lie, and to which class and set each belongs
    table       CSV
    arrays      NumPy's .npz
    named       the data sets of torchvision
    splitting   which images are for the test, where nobody says
    pixels      an image file, decoded exactly or refused
    resizing    an image of another size, in whole numbers
    labels      classes, and each label as one of them
    found       images and labels, however they came, and their limits
    inspection  what a careful colleague sees in them: what cannot be, and what is odd
    summary     how many there are
    entry       the data set's entry in datasets.yaml

No stage depends on it: what is pinned here comes to the pipeline through softmax/sources.
"""
