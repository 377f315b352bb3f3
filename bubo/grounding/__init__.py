"""From the phrases of an answer to pixels and seconds."""
