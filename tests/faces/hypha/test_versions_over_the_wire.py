"""Random version histories agree with the model: many in process, a few over the wire."""

import asyncio
from collections.abc import Iterator
from typing import Any

import hypha_rpc.sync
import pytest
from hypha_rpc.rpc import RemoteException
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from armarium.assembly import open_core
from armarium.domain.errors import ArmariumError
from armarium.domain.principal import Principal, Role
from armarium.faces.hypha.artifact_manager import ArtifactManager
from armarium.faces.hypha.errors import error_text
from armarium.faces.hypha.identity import Session
from armarium.settings import Settings
from tests.faces.hypha.history import Call, HistoryMachine, RefusedError
from tests.faces.people import Person

QUICK = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
ADA = Principal(id="ada", grants={"ws-user-ada": Role.ADMIN})


@pytest.fixture
def in_process(tmp_path: Any) -> Iterator[Call]:
    """The functions of the artifact manager on a fresh store, without anything between."""
    with asyncio.Runner() as runner:
        opened = open_core(Settings(data=tmp_path / "data"))
        core = runner.run(opened.__aenter__())
        runner.run(core.accounts.ensure_home("ada"))
        functions = ArtifactManager(core).service().functions
        session = Session(principal=ADA, workspace="ws-user-ada")

        def call(name: str, **arguments: Any) -> Any:
            try:
                return runner.run(functions[name].start(session, [], arguments))
            except ArmariumError as error:
                raise RefusedError(error_text(error)) from error

        yield call
        runner.run(opened.__aexit__(None, None, None))


@pytest.fixture
def over_the_wire(url: str, ada: Person) -> Iterator[Call]:
    client = hypha_rpc.sync.connect_to_server({"server_url": url, "token": ada.token})
    manager = client.get_service("public/artifact-manager")

    def call(name: str, **arguments: Any) -> Any:
        try:
            return manager[name](**arguments)
        except RemoteException as error:
            raise RefusedError(str(error)) from error

    yield call
    client.disconnect()


def test_histories_in_process(in_process: Call):
    run_state_machine_as_test(
        lambda: HistoryMachine(in_process), settings=settings(QUICK, max_examples=60, stateful_step_count=25)
    )


@pytest.mark.slow
def test_many_long_histories_in_process(in_process: Call):
    run_state_machine_as_test(
        lambda: HistoryMachine(in_process),
        settings=settings(QUICK, derandomize=False, max_examples=200, stateful_step_count=60),
    )


def test_histories_over_the_wire(over_the_wire: Call):
    run_state_machine_as_test(
        lambda: HistoryMachine(over_the_wire), settings=settings(QUICK, max_examples=5, stateful_step_count=20)
    )
