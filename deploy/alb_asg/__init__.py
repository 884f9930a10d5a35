"""An Application Load Balancer and an Auto Scaling group."""
