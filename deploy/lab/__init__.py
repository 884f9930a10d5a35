"""The lab: the place that is this machine."""
