"""Training of DELF networks in Keras (the train extra). Nothing outside training and export imports it."""
