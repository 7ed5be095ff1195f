"""How what was captured leaves: queued, leased, encoded, sent, settled; or counted as lost."""
