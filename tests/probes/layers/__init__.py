"""Tests of the look into the layers."""
