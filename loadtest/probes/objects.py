"""Objects: what is put is in the bucket byte by byte, and comes back so."""

import anyio.to_thread

from loadtest.examination import Examine, Service, claim, claim_refusal
from loadtest.probes.marks import fresh

TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"
# Every byte there is, which no text is.
BYTES = bytes(range(256))


async def object_stored(service: Service) -> None:
    """PUT /objects/{key} answers 201, and the text is in the bucket and comes back unharmed."""
    await claim_kept(service, "tea & cups=2; 100 % ä 茶".encode(), TEXT)


async def object_stored_bytes(service: Service) -> None:
    """PUT /objects/{key} keeps every byte of what is no text."""
    await claim_kept(service, BYTES, BINARY)


async def object_missing(service: Service) -> None:
    """GET /objects/{key} of what was never stored answers 404."""
    claim_refusal(await service.get(f"/objects/{fresh()}", expect=404))


PROBES: tuple[Examine, ...] = (object_stored, object_stored_bytes, object_missing)


async def claim_kept(service: Service, content: bytes, kind: str) -> None:
    """Store, look into the bucket, fetch again; nothing stays."""
    inside = service.account()
    key = fresh()
    path = f"/objects/{key}"
    try:
        headers = {"content-type": kind}
        await service.ask("PUT", path, expect=201, content=content, headers=headers)
        stored = await anyio.to_thread.run_sync(inside.stored, key)
        claim(stored == content, f"the bucket has {stored!r}")
        fetched = await service.get(path, headers={"accept": kind.partition(";")[0]})
        claim(fetched.content == content, f"it came back as {fetched.content!r}")
    finally:
        await anyio.to_thread.run_sync(inside.remove, key)
