"""Source repositories and what serves them: git over http(s), ssh and its own protocol, Subversion."""
