"""An exported network: what is known of it, its fast form, its tiles, and the `Upscaler`."""
