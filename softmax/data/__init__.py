"""Read images: downloaded and imported data sets, and a user's own images.

sources       download and verify the files of a data set
importing     `softmax data add`: convert any format to four IDX files
array_files, tables, directories   read the formats
pixels        decode and resize images
raw_dataset   check imported data, and determine classes, split and order
user_images, normalization   prepare a user's images for a model
"""
