import asyncio
import json
import threading
from array import array
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from armarium.adapters.embedder.by_uri import EmbeddersByUri
from armarium.domain.errors import Invalid, Refused, Unavailable, Unsupported

NOWHERE = EmbeddersByUri(None, None)


class Service(BaseHTTPRequestHandler):
    """Speaks the embeddings API: the vector of a text is its length and the number of its spaces."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked["model"] == "busy":
            self.send_error(503)
            return
        if self.headers["authorization"] != "Bearer open sesame":
            self.send_error(401)
            return
        data = [
            {"index": index, "embedding": [float(len(text)), float(text.count(" "))]}
            for index, text in enumerate(asked["input"])
        ]
        body = json.dumps({"data": data[::-1]}).encode() if asked["model"] != "odd" else b"<html>"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def service():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_hashing_is_repeatable_and_knows_shared_words():
    embedder = NOWHERE.find("hashing:")
    one, two, other = (array("f", v) for v in await embedder.embed(["The tide", "tide THE!", "engine oil"], 64))
    assert one == two
    assert sum(a * b for a, b in zip(one, one, strict=True)) == pytest.approx(1)
    assert abs(sum(a * b for a, b in zip(one, other, strict=True))) < 0.9
    assert (await embedder.embed([""], 8))[0] == bytes(32)


async def test_a_service_is_asked_in_batches_and_answers_in_order(service):
    embedder = EmbeddersByUri(service, "open sesame").find("openai:small")
    texts = ["x" * n for n in range(300)]
    assert [array("f", v)[0] for v in await embedder.embed(texts, 2)] == [float(n) for n in range(300)]


@pytest.mark.parametrize(
    ("model", "key", "dimension", "error"),
    [("small", "wrong", 2, Refused), ("busy", "open sesame", 2, Unavailable), ("odd", "open sesame", 2, Refused),
     ("small", "open sesame", 3, Invalid)],
)  # fmt: skip
async def test_what_a_service_cannot_do_is_told_without_its_address(service, model, key, dimension, error):
    with pytest.raises(error) as told:
        await EmbeddersByUri(service, key).find(f"openai:{model}").embed(["a"], dimension)
    assert "127.0.0.1" not in told.value.message
    assert key not in told.value.message


async def test_a_service_that_is_not_there_is_unavailable():
    with pytest.raises(Unavailable):
        await asyncio.wait_for(EmbeddersByUri("http://127.0.0.1:9", None).find("openai:x").embed(["a"], 2), 30)


@pytest.mark.parametrize("uri", ["", "hashing", "word2vec:x", "fastembed:", "model"])
def test_a_uri_nobody_knows_is_refused(uri):
    with pytest.raises(Invalid, match="Unsupported embedding model"):
        NOWHERE.find(uri)


def test_the_service_has_to_be_named_by_the_operator():
    with pytest.raises(Unsupported):
        NOWHERE.find("openai:small")


@pytest.mark.parametrize("uri", ["fastembed:BAAI/none", "sentence-transformers:none", "BAAI/none"])
async def test_a_package_or_model_that_is_missing_is_named(uri):
    with pytest.raises(Unsupported, match=r"fastembed|sentence-transformers|none"):
        await NOWHERE.find(uri).embed(["a"], 2)
