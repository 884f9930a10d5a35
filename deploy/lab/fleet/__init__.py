"""Instances and tasks, run as processes of this machine."""
