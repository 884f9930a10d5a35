"""Who listens where in a lab.

A lab owns one /16 of the loopback network, 127.<octet>.0.0/16, so that two labs on one
machine never meet. Linux answers on all of 127.0.0.0/8 without any set-up.
"""

from dataclasses import dataclass

# Where the lab listens instead of port 80, which an ordinary user may not bind.
HTTP_PORT = 8080


@dataclass(frozen=True)
class Addresses:
    """The addresses of one lab.

    >>> Addresses(9).emulator_url
    'http://127.9.0.1:4566'
    >>> Addresses(9).instance(251)
    '127.9.20.251'
    """

    octet: int

    @property
    def emulator_url(self) -> str:
        """The AWS endpoint of the lab."""
        return f"http://127.{self.octet}.0.1:4566"

    @property
    def envoy_admin(self) -> tuple[str, int]:
        """Where Envoy reports its state."""
        return f"127.{self.octet}.0.2", 9901

    @property
    def dns(self) -> tuple[str, int]:
        """Where Route 53 answers, over UDP and TCP. An ordinary user may not bind port 53."""
        return f"127.{self.octet}.0.53", 5353

    @property
    def web_acls(self) -> tuple[str, int]:
        """Where the edge decides for Envoy what a web ACL lets through."""
        return f"127.{self.octet}.0.3", 9902

    def instance(self, number: int) -> str:
        """Private address of the n-th instance, from 1."""
        return self._nth(20, number)

    def task(self, number: int) -> str:
        """Private address of the n-th task (awsvpc), from 1."""
        return self._nth(30, number)

    def load_balancer(self, number: int) -> str:
        """Address of the n-th load balancer, from 1."""
        return self._nth(40, number)

    def elastic_ip(self, number: int) -> str:
        """The n-th Elastic IP, from 1."""
        return self._nth(52, number)

    def rest_api(self, number: int) -> str:
        """Address of the n-th REST API, from 1."""
        return self._nth(60, number)

    def _nth(self, block: int, number: int) -> str:
        carry, last = divmod(number, 256)
        return f"127.{self.octet}.{block + carry}.{last}"
