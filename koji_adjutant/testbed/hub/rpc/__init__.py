"""The protocol: from an HTTP request to a call in a transaction and back, and what all calls share."""
