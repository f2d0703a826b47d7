"""The HTML report: all results in one file, which shows and explains them and asks for nothing.

    document    fills templates/ with results, fonts/, scripts/, styles/ and strings/
    embedded    images and weights as few characters
    mathml      formulas, each from a line of text
    english     the English text in the file itself, for readers without JavaScript
    examples    the lecture in two dimensions, its numerical examples, and their figures

The scripts compute as softmax/core does, to the last bit.
"""
