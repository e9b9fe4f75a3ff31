"""The OpenAPI document of the door."""

import pytest

from armarium.assembly import assemble
from armarium.faces.dataforce.routes import about, dataforce_door
from armarium.faces.http.openapi import document
from armarium.settings import Settings


@pytest.fixture
def described(tmp_path):
    parts = assemble(Settings(data=tmp_path), "http://here")
    door = dataforce_door(parts.core, parts.identify, max_body_bytes=1000, strict_delete=False)
    return document(door, about("1.0", "http://here"))


def operations_of(described):
    return [operation for path in described["paths"].values() for operation in path.values()]


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(described):
    names = [operation["operationId"] for operation in operations_of(described)]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for operation in operations_of(described))


def test_every_operation_says_how_it_fails(described):
    for operation in operations_of(described):
        assert {"401", "403", "422", "429"} <= operation["responses"].keys()
    assert all(path.startswith("/v1/") for path in described["paths"])


def test_an_answer_is_described_with_all_spellings(described):
    artifact = described["components"]["schemas"]["Artifact"]["properties"]
    assert {"name", "model_name", "extra_values", "metrics"} <= artifact.keys()
    collection = described["components"]["schemas"]["Collection"]["properties"]
    assert {"type", "collection_type", "total_artifacts", "total_models"} <= collection.keys()


def test_the_document_and_its_page_are_served(web, url):
    published = web.get(f"{url}/openapi/dataforce.json", timeout=10).json()
    assert published["servers"] == [{"url": url}]
    assert "/v1/users/me/organizations" in published["paths"]
    assert web.get(f"{url}/docs/dataforce", timeout=10).status_code == 200
