"""The server: HTTP in front of an assistant, with conversations and media that stay. See docs/server.md."""
