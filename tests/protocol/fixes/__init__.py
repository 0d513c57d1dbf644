"""Tests of trainsense.protocol.fixes."""
