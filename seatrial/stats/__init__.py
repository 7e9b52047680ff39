"""Plain maths without domain words."""
