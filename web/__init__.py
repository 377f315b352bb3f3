"""The browser client; it talks HTTP to bubo.server and holds no Python."""
