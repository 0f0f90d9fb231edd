"""How good a picture is: metrics, photos as people have them, and drawings."""
