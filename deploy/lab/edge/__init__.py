"""The lab's edge: Envoy as load balancer and API front, and the Elastic IP forwarder.

The emulator's state document says what is wanted; the edge makes the sockets match it and
reports the health of targets back.
"""
