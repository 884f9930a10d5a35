"""EC2 and an Elastic IP."""
