"""What the service is compared with, served by the same uvicorn settings.

`validating` is the ceiling: a plain route with the same model, which sends nothing.
`threadpool` is the way of most tutorials: a `def` route that calls boto3's `send_message`.
"""

import os
import sys
import uuid
from collections.abc import Callable

import boto3
from botocore.config import Config
from fastapi import FastAPI

from app.entrypoints.web import serve
from app.schemas import Accepted, NewMessage
from app.settings import Settings


def validating(_: Settings) -> FastAPI:
    app = FastAPI()

    @app.post("/messages", status_code=202)
    async def send_message(new: NewMessage) -> Accepted:
        assert new.body
        return Accepted(id=str(uuid.uuid4()))

    return app


def threadpool(settings: Settings) -> FastAPI:
    app = FastAPI()
    # Tutorials leave the pool at 10 connections, which makes it slower still.
    client = boto3.client(
        "sqs", region_name=settings.region, config=Config(max_pool_connections=50)
    )

    @app.post("/messages", status_code=202)
    def send_message(new: NewMessage) -> Accepted:
        sent = client.send_message(
            QueueUrl=settings.queue_url,
            MessageBody=new.body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in (new.attributes or {}).items()
            },
        )
        return Accepted(id=sent["MessageId"])

    return app


RIVALS: dict[str, Callable[[Settings], FastAPI]] = {
    "validating": validating,
    "threadpool": threadpool,
}

if __name__ == "__main__":
    settings = Settings.from_env(os.environ)
    serve(RIVALS[sys.argv[1]](settings), settings)
