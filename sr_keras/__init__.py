"""Super-resolution with the networks of "Upscaling Images Using a Generative Adversarial Network", in Keras."""
