"""Steps from one version of the tables to the next, in versions/; a server takes them when it starts."""
