"""Slow, obvious models that judge the fast ones."""
