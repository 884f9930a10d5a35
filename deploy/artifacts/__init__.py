"""The three packagings of the one service: bundle, Lambda zip, image.

Each is made from the locks and from app/, which are shipped as files and never imported, and is
named after a digest of what went in: building again what has not changed finds it and does
nothing.
"""

from deploy.artifacts.builder import BUILD_DIR, Built, build
from deploy.artifacts.errors import BuildError
from deploy.artifacts.target import AWS_TARGET, Target

__all__ = ["AWS_TARGET", "BUILD_DIR", "BuildError", "Built", "Target", "build"]
