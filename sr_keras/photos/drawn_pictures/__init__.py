"""Text, line art, flat shapes, windows and pages, drawn here: to measure with, and to train on."""
