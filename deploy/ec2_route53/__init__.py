"""EC2 and Route 53."""
