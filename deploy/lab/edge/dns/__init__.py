"""Route 53 for the lab: hosted zones answered over UDP and TCP.

What is answered is a pure function of the question, the zones, what is healthy, and chance.
"""
