"""What the edge and the emulator both know of load balancers: their own pages, their functions.

Envoy answers most errors of a load balancer itself. Where the target is a function, the emulator
invokes it, and answers what goes wrong in the same words.
"""

# What the load balancer itself answers, as curl shows it in front of AWS (2026).
REASONS = {
    400: "400 Bad Request",
    403: "403 Forbidden",
    405: "405 Not Allowed",
    408: "408 Request Time-out",
    413: "413 Request Entity Too Large",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n"
    "<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
)
SERVER = "awselb/2.0"

# In which Envoy names the target group when it hands a request to the emulator, which finds the
# function by it. Clients cannot set it: Envoy removes it from what they send.
TARGET_GROUP_HEADER = "x-nineways-target-group"


def page(status: int) -> str:
    """The load balancer's own page for an error.

    >>> page(413).splitlines()[1]
    '<head><title>413 Request Entity Too Large</title></head>'
    """
    return PAGE.format(REASONS[status])
