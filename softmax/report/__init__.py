"""The HTML report: one file that shows and explains all results, and needs no server.

    document    fills templates/ with results, fonts/, scripts/, styles/ and strings/
    embedded    images and weights in few characters
    mathml      formulas, each from a line of text
    english     the English text in the file itself, for readers without JavaScript
    examples    the lecture in two dimensions, its numerical examples, and their figures

The scripts compute as softmax/core does, to the last bit.
"""
