"""The rules by which every request gets a good answer, or an honest one.  Pure."""
