"""Training of Bubo models: `bubo train <yaml>` (needs the `train` extra)."""
