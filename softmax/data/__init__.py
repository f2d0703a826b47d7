"""Read images: downloaded and imported data sets, and a user's own images.

sources       the files of a data set, from untrusted sources
importing     `softmax data add`: any format as four IDX files
array_files, tables, directories   the formats
pixels        image files as pixels, and resizing
raw_dataset   checks, classes, the split and the order
user_images, normalization   a user's images as the model's pixels
"""
