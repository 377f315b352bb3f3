"""The generated world: pictures, sounds and dialogues with exact truth, deterministic from a seed."""
