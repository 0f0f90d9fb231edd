"""Photos as arrays and as a person's files, their condition, and pictures that are drawn here. Needs no TensorFlow."""
