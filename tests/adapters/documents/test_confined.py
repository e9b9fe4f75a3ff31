"""Documents that open: made in a process of their own, read again by another library; and texts that shall not pass."""

import contextlib
import io
import os
import zipfile

import docx
import pypdf
import pypdfium2
import pytest

from armarium.adapters.documents.confined import ConfinedDocuments, Limits
from armarium.domain.document import Passage, Target, TextFormat
from armarium.domain.errors import Invalid, TooLarge
from tests.adapters.documents.test_readers import MARKDOWN


def a_passage(text: str = MARKDOWN, text_format: TextFormat = TextFormat.MARKDOWN) -> Passage:
    return Passage(title="Größe & #Maß", text=text, format=text_format)


@pytest.fixture
def documents() -> ConfinedDocuments:
    return ConfinedDocuments()


def words(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text).split()


async def test_a_pdf_opens_and_says_what_the_text_said(documents):
    made = pypdf.PdfReader(io.BytesIO(await documents.convert(a_passage(), Target.PDF)))
    said = words(made.pages[0].extract_text())
    assert made.metadata.title == "Größe & #Maß"
    expected = words("Größe Maß One Some slanted strong and code a b 3 c said x y 1 2 kept so")
    assert [word for word in said if word in set(expected)][: len(expected)] == expected


async def test_a_page_has_ink_where_text_is_and_none_in_the_margins(documents):
    made = pypdfium2.PdfDocument(await documents.convert(a_passage(), Target.PDF))
    page = made[0].render(scale=1).to_pil().convert("L")
    assert page.size == (596, 842)
    assert page.getextrema()[0] < 60
    assert page.crop((0, 0, 596, 50)).getextrema() == page.crop((0, 0, 50, 842)).getextrema() == (255, 255)
    assert page.crop((60, 55, 400, 90)).getextrema()[0] < 60, "the title"


async def test_a_long_text_runs_over_pages(documents):
    text = "\n\n".join(f"Paragraph {number} of many. " * 10 for number in range(200))
    made = pypdf.PdfReader(io.BytesIO(await documents.convert(a_passage(text), Target.PDF)))
    said = "".join(page.extract_text() for page in made.pages)
    assert len(made.pages) > 10
    assert all(f"Paragraph {number} of" in " ".join(said.split()) for number in range(200))


async def test_a_docx_opens_with_its_parts(documents):
    made = docx.Document(io.BytesIO(await documents.convert(a_passage(), Target.DOCX)))
    assert [(p.style.name, p.text) for p in made.paragraphs][:6] == [
        ("Title", "Größe & #Maß"), ("Heading 1", "One"), ("Normal", "Some slanted, strong and code."),
        ("List Bullet", "a"), ("List Bullet 2", "b"), ("List Number", "c"),
    ]  # fmt: skip
    assert [[cell.text for cell in row.cells] for row in made.tables[0].rows] == [["x", "y"], ["1", "2"]]


@pytest.mark.parametrize("target", Target)
async def test_no_text_is_ever_a_command(documents, target):
    hostile = (
        '#import "@preview/x:1.0.0"\n\n#read("/etc/passwd") <script>x</script> \\u{0} \x00\x1b %n {{7*7}} $(id) ]]>'
    )
    made = await documents.convert(a_passage(hostile, TextFormat.TEXT), target)
    if target is Target.PDF:
        text = " ".join(pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text().split()).replace("<script", "")
    elif target is Target.DOCX:
        text = zipfile.ZipFile(io.BytesIO(made)).read("word/document.xml").decode()
    else:
        text = made.decode()
    assert "passwd" in text
    assert "root:" not in text
    assert "<script" not in text.replace("\\<script", "")


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "> " * 20_000, "*a " * 100_000, "`" * 100_000, "![" * 50_000, "<b>" * 100_000, "|a" * 50_000]
)
async def test_a_text_that_is_a_trap_ends_one_way_or_the_other(text):
    documents = ConfinedDocuments(Limits(cpu_seconds=3, seconds=6))
    with contextlib.suppress(Invalid):
        assert await documents.convert(a_passage(text), Target.HTML)


async def test_a_text_that_takes_too_much_is_given_up():
    documents = ConfinedDocuments(Limits(cpu_seconds=1))
    rows = "\n".join("a,b,c,d,e" for _ in range(19_000))
    with pytest.raises(Invalid, match="too much time or memory"):
        await documents.convert(a_passage(rows, TextFormat.CSV), Target.DOCX)
    small = ConfinedDocuments(Limits(memory_bytes=90 << 20))
    with pytest.raises(Invalid, match="memory"):
        await small.convert(a_passage("word " * 1_000_000, TextFormat.TEXT), Target.DOCX)
    with pytest.raises(TooLarge):
        await ConfinedDocuments(Limits(document_bytes=10)).convert(a_passage(), Target.HTML)
    with pytest.raises(TooLarge):
        await ConfinedDocuments(Limits(source_bytes=10)).convert(a_passage(), Target.HTML)


async def test_the_process_knows_no_secret_of_ours(documents, monkeypatch):
    monkeypatch.setenv("ARMARIUM_SECRET_KEY", "sesame sesame sesame")
    seen: list[bytes] = []
    run = documents._run

    async def watched(request):
        task = run(request)
        answer = await task
        seen.append(answer)
        return answer

    documents._run = watched
    await documents.convert(a_passage("x", TextFormat.TEXT), Target.HTML)
    assert b"sesame" not in seen[0]
    assert "ARMARIUM_SECRET_KEY" in os.environ


async def test_texts_are_written_from_what_is_there(documents):
    cells = Passage(
        title="Cells",
        text="Cells divide. Every cell divides into two cells, and cells grow. The weather was fine. Cells need sugar.",
        format=TextFormat.TEXT,
    )
    stars = Passage(title="Stars_1", text="# Stars\n\nStars *shine*. Some stars explode.", format=TextFormat.MARKDOWN)
    summary = await documents.write("summary", "t", [cells, stars], "")
    assert "Every cell divides into two cells, and cells grow." in summary
    assert "- Stars\\_1 (" in summary
    transcript = await documents.write("transcript", "t", [cells, stars], "")
    assert transcript.index("## Cells") < transcript.index("weather was fine") < transcript.index("Stars shine.")
    report = await documents.write("report", "t", [cells, stars], "")
    assert "Made from 2 sources. Topics: cells" in report
    assert await documents.write("summary", "t", [], "") == "## Sources\n\n\n"
