"""An Application Load Balancer and containers on EC2."""
