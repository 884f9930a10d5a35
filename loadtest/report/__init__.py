"""Samples to one self-contained HTML page."""
