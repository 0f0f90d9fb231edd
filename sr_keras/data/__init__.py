"""Photos become batches of `(lr, hr)` pairs; photos that show the same are found."""
