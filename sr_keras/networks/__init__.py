"""Networks as Keras models, and what is known of them: arithmetic, receptive field, and how one grows into another."""
