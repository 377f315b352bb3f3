"""GroundingDINO is transformers' own model; here its original checkpoints are read."""
