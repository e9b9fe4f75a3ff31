"""An artifact store for research and machine learning that opens through four doors at once.

What users import is listed in `__all__`; everything else may move.
"""

import typing as _typing

from armarium._version import __version__
from armarium.domain.errors import (
    AlreadyExists,
    ArmariumError,
    Conflict,
    Forbidden,
    Invalid,
    NotAuthenticated,
    NotFound,
    NotStaged,
    NotUnique,
    Refused,
    SchemaViolation,
    TooLarge,
    Unavailable,
    Unsupported,
)

if _typing.TYPE_CHECKING:
    from armarium.sdk.aimable import AimableClient, AsyncAimableClient, GenerationFailed
    from armarium.sdk.dataforce import (
        APIConnectionError,
        APIError,
        APIResponseValidationError,
        APIStatusError,
        Artifact,
        ArtifactNotFoundError,
        ArtifactStatus,
        AsyncDataForceClient,
        AuthenticationError,
        BadRequestError,
        BucketSecret,
        Collection,
        CollectionResourceNotFoundError,
        ConfigurationError,
        ConflictError,
        DataForceAPIError,
        DataForceClient,
        FileDownloadError,
        FileError,
        FileUploadError,
        InternalServerError,
        MultipleResourcesFoundError,
        NotFoundError,
        Orbit,
        OrbitResourceNotFoundError,
        Organization,
        OrganizationResourceNotFoundError,
        PermissionDeniedError,
        ResourceNotFoundError,
        UnprocessableEntityError,
    )
    from armarium.sdk.ivcap import (
        IVCAP,
        AmbiguousRequest,
        AsyncIVCAP,
        IvcapApiError,
        IvcapError,
        MissingParameterValue,
        NotAuthorizedException,
        ResourceNotFound,
        UploadFailed,
    )

__all__ = [
    "IVCAP",
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "AimableClient",
    "AlreadyExists",
    "AmbiguousRequest",
    "ArmariumError",
    "Artifact",
    "ArtifactNotFoundError",
    "ArtifactStatus",
    "AsyncAimableClient",
    "AsyncDataForceClient",
    "AsyncIVCAP",
    "AuthenticationError",
    "BadRequestError",
    "BucketSecret",
    "Collection",
    "CollectionResourceNotFoundError",
    "ConfigurationError",
    "Conflict",
    "ConflictError",
    "DataForceAPIError",
    "DataForceClient",
    "FileDownloadError",
    "FileError",
    "FileUploadError",
    "Forbidden",
    "GenerationFailed",
    "InternalServerError",
    "Invalid",
    "IvcapApiError",
    "IvcapError",
    "MissingParameterValue",
    "MultipleResourcesFoundError",
    "NotAuthenticated",
    "NotAuthorizedException",
    "NotFound",
    "NotFoundError",
    "NotStaged",
    "NotUnique",
    "Orbit",
    "OrbitResourceNotFoundError",
    "Organization",
    "OrganizationResourceNotFoundError",
    "PermissionDeniedError",
    "Refused",
    "ResourceNotFound",
    "ResourceNotFoundError",
    "SchemaViolation",
    "TooLarge",
    "Unavailable",
    "UnprocessableEntityError",
    "Unsupported",
    "UploadFailed",
    "__version__",
]

# The clients are loaded when somebody asks for one: `import armarium` stays light.
_CLIENTS = {
    "armarium.sdk.dataforce": (
        "APIConnectionError",
        "APIError",
        "APIResponseValidationError",
        "APIStatusError",
        "Artifact",
        "ArtifactNotFoundError",
        "ArtifactStatus",
        "AsyncDataForceClient",
        "AuthenticationError",
        "BadRequestError",
        "BucketSecret",
        "Collection",
        "CollectionResourceNotFoundError",
        "ConfigurationError",
        "ConflictError",
        "DataForceAPIError",
        "DataForceClient",
        "FileDownloadError",
        "FileError",
        "FileUploadError",
        "InternalServerError",
        "MultipleResourcesFoundError",
        "NotFoundError",
        "Orbit",
        "OrbitResourceNotFoundError",
        "Organization",
        "OrganizationResourceNotFoundError",
        "PermissionDeniedError",
        "ResourceNotFoundError",
        "UnprocessableEntityError",
    ),
    "armarium.sdk.aimable": ("AimableClient", "AsyncAimableClient", "GenerationFailed"),
    "armarium.sdk.ivcap": (
        "IVCAP",
        "AmbiguousRequest",
        "AsyncIVCAP",
        "IvcapApiError",
        "IvcapError",
        "MissingParameterValue",
        "NotAuthorizedException",
        "ResourceNotFound",
        "UploadFailed",
    ),
}
_HOME_OF = {name: module for module, names in _CLIENTS.items() for name in names}


def __getattr__(name: str) -> _typing.Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'armarium' has no attribute '{name}'")
    from importlib import import_module  # noqa: PLC0415 - not a name of this package

    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
