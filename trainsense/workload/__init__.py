"""The border to the user's code."""
