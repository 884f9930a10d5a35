"""Answer HTTP in a Lambda function, behind API Gateway or a load balancer.

For Lambda, import is the start: everything that lasts is made here, once for each execution
environment, while it is being initialised.
"""

# ruff: noqa: E402 - the collector must be off before the imports begin
import gc

# Importing and wiring makes nothing but lasting objects: looking for garbage among them again and
# again was a seventh of the start.
gc.disable()

import os

from mangum import Mangum

from app.balancer_events import LoadBalancerEvents
from app.logs import configure_logs
from app.settings import Settings
from app.wiring import http_service

settings = Settings.from_env(os.environ)
configure_logs(level=settings.log_level, variant=settings.variant)

# With lifespan="auto" Mangum would start and stop the service around every single request.
# A stage's name before the path is the service's own business: it is its root path.
handler = Mangum(
    http_service(settings, os.environ), lifespan="off", custom_handlers=[LoadBalancerEvents]
)

gc.freeze()
gc.enable()
