"""Training of the networks that other papers describe, on anyone's photos. Keras 3, any backend.

The modules that make training data import no Keras: they run in processes of their own.
"""
