"""What a trained model says of the test set, and how its weights look.

evaluation   predictions, precision, recall and F1
images       pictures in whole numbers, and PNG that needs no compressor
cards        single test images beside their scores
modelcard    what a model is, of what, how good, and what it is not for
"""
