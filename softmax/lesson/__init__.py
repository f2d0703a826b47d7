"""The lecture in two dimensions, by the model and the training of the images.

plane      three clouds of points, softmax regression, and three logistic ones
examples   the lecture's formulas in numbers, and their derivatives
figures    regions as they form, and probabilities
"""
