"""Networks as Keras models, and what is known of them: what they compute, how far they see, how one grows into another."""
