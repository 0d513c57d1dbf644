"""Tests of how a model is put together."""
