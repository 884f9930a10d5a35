"""A Lambda function the way tutorials write it: what ours is compared with when it starts."""

import os
from typing import Annotated

import boto3
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, Field

client = boto3.client("sqs")
app = FastAPI()


class NewMessage(BaseModel):
    body: Annotated[str, Field(min_length=1, max_length=262_144)]
    attributes: dict[str, str] | None = None


class Accepted(BaseModel):
    id: str


@app.get("/healthz")
def is_alive() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/messages", status_code=202)
def send_message(new: NewMessage) -> Accepted:
    sent = client.send_message(QueueUrl=os.environ["NINEWAYS_QUEUE_URL"], MessageBody=new.body)
    return Accepted(id=sent["MessageId"])


handler = Mangum(app)
