"""Images: data sets, downloaded or imported, and what users ask a model about.

download      the files of a data set, from sources that nobody need trust
importing     `softmax data add`: what lies at a path as four IDX files
array_files, tables, directories   the formats
pixels        an image file as pixels, and of another size
raw_dataset   what was read, checked
user_images, normalization   a user's images as the model's pixels
"""
