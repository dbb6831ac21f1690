"""Makes model releases. Needs the ``train`` extra (TensorFlow and Keras)."""
