"""A run of training: its options, steps, losses, state, loop and folder, and what TensorBoard shows."""
