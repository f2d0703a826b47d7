"""The page: all facts in one HTML file, which shows and explains them and asks for nothing.

`report` fills templates/ with facts, scripts/, styles/ and strings/; `images` gives the facts about
images, and `english` writes the English of the strings into the file. The scripts compute as
softmax/core does, to the last bit. The stage report depends on this folder, and no other does.
"""
