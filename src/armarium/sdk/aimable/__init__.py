"""The client for artifacts in spaces."""

from armarium.sdk.aimable.async_client import AsyncAimableClient
from armarium.sdk.aimable.client import AimableClient
from armarium.sdk.aimable.errors import GenerationFailed
from armarium.sdk.aimable.values import Artifact, Job, Page, Space

__all__ = ["AimableClient", "Artifact", "AsyncAimableClient", "GenerationFailed", "Job", "Page", "Space"]
