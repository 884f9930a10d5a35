"""Files, addresses and lookups that no innocent value names. Pure; patterns are ours."""

import re
import socket
from contextlib import suppress

# ---- files of the server, and other servers' files ----

_STEP = r"(?:\.\.|\.{3,}|%2e%2e|\.\.;)"
STEPS = re.compile(
    rf"(?:^|[/\\=:]){_STEP}[/\\]{{1,9}}(?:[^\s/\\]{{0,99}}[/\\]{{1,9}})?{_STEP}(?:[/\\]|$)"
)
ONE_STEP = re.compile(
    rf"(?:^|[/\\=:]){_STEP}[/\\]+(?:\.\w|etc[/\\]|proc[/\\]|var[/\\]|win(?:dows|nt)|boot\.ini|"
    r"conf(?:ig)?(?:[/\\.]|$)|web\.config|wp-config|passwd|shadow|\w+-inf[/\\])"
)
STEP_OF_A_PATH = re.compile(rf"[/\\]{_STEP}(?:[/\\]|$)")
SENSITIVE = re.compile(
    r"^(?:file:/*|[\w.-]*=)?[\"']?(?:~\w*[/\\]\.\w|(?:[a-z]:|%systemroot%)?[/\\](?:\.?[/\\])*"
    r"(?:etc[/\\]+(?:passwd|shadow|group|hosts|issue|fstab|crontab|sudoers|motd|ssh|nginx|apache2?|"
    r"httpd|mysql|my\.cnf|environment|os-release|resolv\.conf)|proc[/\\]+(?:self|version|mounts|"
    r"cpuinfo|net|\d+)|var[/\\]+(?:log|run|www|lib[/\\]+(?:mysql|cloud))|root[/\\]|home[/\\]+[^/\\]+"
    r"[/\\]+\.|boot\.ini|win(?:dows|nt)[/\\]|inetpub[/\\]|sys[/\\]class|dev[/\\](?:tcp|fd)|"
    r"run[/\\]secrets|opt[/\\]tomcat|users[/\\][^/\\]+[/\\](?:\.ssh|\.aws)))"
)
WRAPPER = re.compile(
    r"^[\"']?(?:php|expect|zip|phar|glob|ogg|rar|ssh2|compress\.\w+|zlib|netdoc|jar|gopher|dict|"
    r"tftp|sftp)://?\S|^[\"']?file:/+\S|^[\"']?data:/{0,2}text/\S+;base64,"
)
REMOTE = re.compile(
    r"^[\"']?(?:https?|ftps?|sftp|smb|php|file|ogg|zlib):/+(?:[^\s/@]*@)?\[?\d{1,3}(?:\.\d{1,3}){3}\S*$"
)


def is_local_file(value: str) -> bool:
    """Whether a value walks up the folders, or names a file that servers keep to themselves."""
    value = value.replace("\0", "").strip().lower()
    # Dots and slashes in more bytes than they need.
    value = value.replace("\udcc0\udcae", ".").replace("\udcc0\udcaf", "/")
    if (".." in value or "%2e" in value) and (STEPS.search(value) or ONE_STEP.search(value)):
        return True
    return SENSITIVE.search(value) is not None or WRAPPER.search(value) is not None


def leaves_the_root(path: str) -> bool:
    """Whether a path steps up: clients resolve that before they ask."""
    return is_local_file(path) or STEP_OF_A_PATH.search(path) is not None


def is_remote_file(value: str) -> bool:
    """Whether a value is an address of another server by its number."""
    return REMOTE.search(value.strip().lower()) is not None


# ---- the metadata service ----

METADATA = re.compile(
    r"(?:^|[/.])latest/(?:meta-data|user-data|dynamic/instance-identity|api/token)\b|"
    r"\bfd00:ec2::254\b|//instance-data(?:[./:]|$)|\b169[.-]254[.-]169[.-]254\.(?:nip|xip|sslip)\.io|"
    r"::ffff:(?:0:)?a9fe:a9fe|^169\.254\.16\d\.\d+"
)
METADATA_PARTS = ("169", "latest/", "fd00:ec2", "instance-data", "a9fe")
HOST = re.compile(
    r"(?<![/\\])[/\\]{2,}(?:[^\s/@\\]{0,99}@)?\[?(?:::ffff:)?([0-9a-fx.]+)\]?(?=[:/?#\\\s\"']|$)"
)


def is_metadata(value: str) -> bool:
    """Whether a value leads to the instance metadata service, in any spelling of its address."""
    value = value.lower()
    if any(part in value for part in METADATA_PARTS) and METADATA.search(value):
        return True
    slashes = any(pair in value for pair in ("//", "\\\\", "/\\", "\\/"))
    return slashes and any(_is_link_local(found[1]) for found in HOST.finditer(value))


def _is_link_local(host: str) -> bool:
    """inet_aton reads what browsers and curl read: octal, hexadecimal, fewer than four numbers."""
    with suppress(OSError):
        return socket.inet_aton(host.rstrip(".")).startswith(b"\xa9\xfe")
    return False


# ---- lookups of Log4j ----

LOOKUP = re.compile(r"\$\{([^${}]*)\}")
JNDI = re.compile(r"\$\{\s*jndi\s*:|\bjndi:(?:ldaps?|rmi|dns|iiop|nis|nds|corba|https?):/")
MOST_LOOKUPS = 200


def is_jndi(value: str) -> bool:
    """Whether Log4j would look something up by JNDI, once it has resolved what is inside.

    >>> is_jndi("${${lower:j}${::-n}di:ldap://a/b}"), is_jndi("${HOME} and ${jndi}")
    (True, False)
    """
    value = value.lower()
    if "${" not in value and "jndi:" not in value:
        return False
    for _ in range(MOST_LOOKUPS):
        if JNDI.search(value):
            return True
        reduced, changes = LOOKUP.subn(_resolved, value, count=1)
        if not changes:
            return False
        value = reduced
    return True


def _resolved(lookup: re.Match[str]) -> str:
    inside = lookup[1]
    if ":-" in inside:
        return inside.rpartition(":-")[2]
    kind, _, rest = inside.partition(":")
    if kind in {"lower", "upper"}:
        return rest
    return rest.strip("'") if kind == "date" else ""
