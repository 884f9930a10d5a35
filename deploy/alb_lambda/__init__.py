"""An Application Load Balancer in front of a function and a container."""
