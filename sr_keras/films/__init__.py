"""Films: read, upscaled frame by frame, and written with everything else that lies in the file. Needs the extra `video`."""
