"""The page: all facts in one HTML file, which shows and explains them and asks for nothing.

report     fills templates/ with facts, scripts/, styles/ and strings/
images     the facts about the data set, and about test images
weights    the facts about the weights, and how they formed
packing    many numbers as few characters
mathml     formulas, each from a line of text
lecture    what the lecture's own run on MNIST gave
english    the English text in the file itself, for readers without JavaScript

The scripts compute as softmax/core does, to the last bit. The stage report depends on this folder,
and no other does.
"""
