"""Programs, a few lines each, that show what a program does, or what it sees of itself, where something goes wrong."""
