"""Values for models, training and prompts; read with importlib.resources."""
