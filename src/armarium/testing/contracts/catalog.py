"""What every catalog must do. Subclass `CatalogContract` with a fixture `catalog`, an open and empty one."""

from armarium.testing.contracts.accounts import AccountContract
from armarium.testing.contracts.archives import ArchiveContract
from armarium.testing.contracts.artifacts import ArtifactContract
from armarium.testing.contracts.aspects import AspectContract
from armarium.testing.contracts.files import FileContract
from armarium.testing.contracts.jobs import JobContract
from armarium.testing.contracts.listing import ListingContract
from armarium.testing.contracts.races import RaceContract
from armarium.testing.contracts.requests import RequestContract
from armarium.testing.contracts.resumable import ResumableContract
from armarium.testing.contracts.semantic import SemanticContract
from armarium.testing.contracts.transactions import TransactionContract
from armarium.testing.contracts.vectors import VectorContract


class CatalogContract(
    ArtifactContract,
    FileContract,
    ArchiveContract,
    ListingContract,
    AccountContract,
    JobContract,
    RequestContract,
    AspectContract,
    ResumableContract,
    VectorContract,
    SemanticContract,
    TransactionContract,
    RaceContract,
):
    """All of it."""
