"""An Application Load Balancer and containers on Fargate."""
