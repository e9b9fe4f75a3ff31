"""The IVCAP client: artifacts, aspects, collections, search and secrets of a service, or in a folder."""

from armarium.sdk.ivcap.async_client import AsyncIVCAP
from armarium.sdk.ivcap.async_objects import AsyncArtifact, AsyncAspect, AsyncCollection
from armarium.sdk.ivcap.client import IVCAP
from armarium.sdk.ivcap.errors import (
    AmbiguousRequest,
    IvcapApiError,
    IvcapError,
    MissingParameterValue,
    NotAuthorizedException,
    ResourceNotFound,
    UploadFailed,
)
from armarium.sdk.ivcap.files import CMPath, ProxyFile, SafePath
from armarium.sdk.ivcap.objects import Artifact, Aspect, Collection
from armarium.sdk.ivcap.values import ArtifactStatusRTStatus, CollectionItem, SearchResult, Secret

__all__ = [
    "IVCAP",
    "AmbiguousRequest",
    "Artifact",
    "ArtifactStatusRTStatus",
    "Aspect",
    "AsyncArtifact",
    "AsyncAspect",
    "AsyncCollection",
    "AsyncIVCAP",
    "CMPath",
    "Collection",
    "CollectionItem",
    "IvcapApiError",
    "IvcapError",
    "MissingParameterValue",
    "NotAuthorizedException",
    "ProxyFile",
    "ResourceNotFound",
    "SafePath",
    "SearchResult",
    "Secret",
    "UploadFailed",
]
