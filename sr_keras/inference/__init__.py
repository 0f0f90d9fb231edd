"""An exported network: its info, its optimised graph, its tiles, and the `Upscaler`."""
