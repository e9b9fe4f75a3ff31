"""What goes in by one door comes out of every other."""
