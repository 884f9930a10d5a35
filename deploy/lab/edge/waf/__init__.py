"""AWS WAF in the lab: Envoy asks, for load balancers that have a web ACL, and this answers.

`acls.py` compiles a web ACL in the words of AWS's API to something that decides on requests;
`service.py` is what Envoy talks to. Everything but that is pure.
"""
