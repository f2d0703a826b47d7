"""What a model says of people's own images, and what it sees of them.

reading         files of images in any form as the model's pixels, and what was done to each
decoding        PNG and JPEG of any kind as gray levels or RGB
ink             what is ink in a photo, and what its ground
normalization   ink as an image like MNIST's, as on the page
explanation     what each pixel adds to a score
answers         the table of what is said
"""
