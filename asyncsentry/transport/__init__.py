"""What a transport is, and what it is given."""
