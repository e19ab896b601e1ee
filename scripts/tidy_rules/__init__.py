"""The rules that scripts/tidy checks; each yields findings as text that starts with the place."""
