"""How fast this machine upscales and trains: python -m sr_keras.benchmark"""
