"""The server's side: its configuration written and checked, and an embedded server."""
