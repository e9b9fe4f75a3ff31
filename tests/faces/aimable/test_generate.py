"""Documents made by jobs, from asking for them to opening them."""

import io

import docx
import pypdf
import pytest

NOTES = "# Findings\n\nCells *divide*. Every cell divides into two cells.\n\n- one\n- two\n"


@pytest.mark.parametrize("text_format", ["markdown", "html", "csv", "json", "text"])
def test_a_text_becomes_a_pdf(once, text_format):
    text = {"markdown": NOTES, "html": "<p>Cells divide.</p>", "csv": "what,do\nCells,divide.", "text": "Cells divide.",
            "json": '[{"what": "Cells", "do": "divide."}]'}[text_format]  # fmt: skip
    artifact = once.made(once.space(), name="Bericht", source=text, source_format=text_format, format="pdf")
    assert (artifact["status"], artifact["mime_type"], artifact["file_name"]) == (
        "completed", "application/pdf", "Bericht.pdf",
    )  # fmt: skip
    said = " ".join(pypdf.PdfReader(io.BytesIO(once.content(artifact))).pages[0].extract_text().split())
    assert "Bericht" in said
    assert "Cells" in said
    assert "divide." in said


def test_a_stored_artifact_becomes_a_document(visitor):
    space = visitor.space()
    notes = visitor.generate(space, name="notes.md", content=NOTES.encode())
    asked = visitor.generate(space, name="Notes", source_artifact_id=notes["id"], format="docx")
    assert asked["job_id"]
    artifact = visitor.made(space, name="Notes", source_artifact_id=notes["id"], format="docx")
    paragraphs = [paragraph.text for paragraph in docx.Document(io.BytesIO(visitor.content(artifact))).paragraphs]
    assert paragraphs == ["Notes", "Findings", "Cells divide. Every cell divides into two cells.", "one", "two"]
    jobs = visitor.ok("GET", f"/spaces/{space}/artifacts/{artifact['id']}/jobs")["data"]
    assert [(job["type"], job["status"], job["progress"], job["attempt"]) for job in jobs] == [
        ("generate", "completed", 100, 1)
    ]
    assert visitor.ok("GET", f"/spaces/{space}/artifacts/{artifact['id']}/jobs/{jobs[0]['id']}") == jobs[0]


@pytest.mark.parametrize("kind", ["summary", "transcript", "report"])
def test_a_text_is_written_from_others(once, kind):
    space = once.space()
    sources = [once.generate(space, name=f"{name}.md", content=NOTES.encode())["id"] for name in ("a", "b")]
    artifact = once.made(space, name="All of it", type=kind, source_artifact_ids=sources)
    text = once.content(artifact).decode()
    assert text.startswith("# All of it\n")
    assert "Every cell divides into two cells." in text
    assert artifact["document_type"] == kind
    assert once.made(space, name="x", type=kind, source_artifact_ids=sources, format="pdf")["file_name"] == "x.pdf"


def test_what_cannot_be_made_fails_with_the_reason_and_stays_to_be_seen(once):
    space = once.space()
    artifact = once.made(space, name="broken", source="{", source_format="json", format="pdf")
    assert artifact["status"] == "failed"
    assert "JSON cannot be read" in artifact["error"]["message"]
    path = f"/spaces/{space}/artifacts/{artifact['id']}"
    refused = once.ask("GET", f"{path}/download")
    assert (refused.status_code, "JSON cannot be read" in refused.json()["detail"]) == (409, True)
    [job] = once.ok("GET", f"{path}/jobs")["data"]
    assert (job["status"], job["error"]) == ("failed", artifact["error"])
    assert once.ask("POST", f"{path}/jobs/{job['id']}/cancel").status_code == 409
    assert once.ok("POST", f"{path}/jobs/{job['id']}/retry")["status"] in ("pending", "processing", "failed")


@pytest.mark.parametrize(
    "body",
    [
        {"type": "summary"},
        {"format": "pdf"},
        {"format": "exe", "source": "x"},
        {"format": "pdf", "source": "x", "source_format": "docx"},
        {"format": "pdf", "content": "/////w=="},
        {"format": "pdf", "source_artifact_id": "no-uuid"},
    ],
)
def test_what_has_no_source_or_no_format_we_know_is_refused(once, body):
    answer = once.ask("POST", f"/spaces/{once.space()}/artifacts/generate", json={"name": "a"} | body)
    assert answer.status_code == 422, answer.text


def test_sources_must_be_texts_of_the_same_space(once, other):
    space, elsewhere = once.space(), once.space()
    image = once.generate(space, name="a.png", content=b"\x89PNG")["id"]
    far = once.generate(elsewhere, name="a.md", content=b"x")["id"]
    path = f"/spaces/{space}/artifacts/generate"
    for source, status in ((image, 422), (far, 404)):
        answer = once.ask("POST", path, json={"name": "a", "format": "pdf", "source_artifact_id": source})
        assert answer.status_code == status
