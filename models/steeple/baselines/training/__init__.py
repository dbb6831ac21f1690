"""Training of the networks of other methods. Keras 3, any backend; never needed to use what it makes."""
