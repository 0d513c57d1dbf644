"""Keeps runs on disk, so that nothing measured is ever lost or measured twice."""
