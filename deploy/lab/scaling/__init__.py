"""What CloudWatch, EC2 Auto Scaling, Application Auto Scaling and ECS managed scaling do.

All times in here are AWS's: a minute of a metric is a minute and a cooldown of 300 s is 300 s,
whatever the lab's speed. Only the clock in `__main__` knows how fast the lab is.
"""
