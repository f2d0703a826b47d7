"""Build the HTML report: one file that shows and explains all results, and needs no server.

    document    fills templates/ with the results, fonts/, scripts/, styles/ and strings/
    embedded    packs images and weights into few characters
    mathml      writes formulas, each from a line of text
    english     writes the English text into the file, for readers without JavaScript
    examples    computes the 2-D example and the lecture's numerical examples, and draws them

The scripts compute the same bits as softmax/core.
"""
