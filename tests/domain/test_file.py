import posixpath
from pathlib import PurePosixPath, PureWindowsPath
from unicodedata import normalize
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid
from armarium.domain.file import MAX_PATH_BYTES, ByteRange, content_type_of, safe_directory, safe_path

# Pieces from which paths that want out are made; plain text hardly ever finds them.
PIECES = st.sampled_from(
    [
        *("/", "//", ".", "..", "...", "\\", "a", "b.txt", " ", "C:", "c:", "~", "-", ":"),
        *("%2e", "%2E", "%252e", "%2f", "%5c", "\u2025", "\uff0e", "\uff0f", "\u00a0", "\u200b", "\u202e"),
        *("\u00e9", "e\u0301", "\x00", "\n", "\x7f", "\x85", "\ud800", "日本"),
    ]
)
PATHS = st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(st.text(max_size=5)).map("/".join))


def accepted(path: str) -> str | None:
    try:
        return safe_path(path)
    except Invalid:
        return None


@given(PATHS)
@example("./C:/x")
@example("a/./../b")
@example("a/.. /b")
@example("%252e%252e/%252e")
def test_no_accepted_path_ever_leaves(path):
    safe = accepted(path)
    if safe is None:
        return
    assert not PurePosixPath(safe).is_absolute()
    assert posixpath.normpath(safe) == safe
    assert not PureWindowsPath(safe).drive
    for form in (
        safe,
        unquote(safe),
        unquote(unquote(safe)),
        normalize("NFKC", safe),
        normalize("NFKC", unquote(safe)),
    ):
        assert ".." not in [part.strip(" ") for part in form.replace("\\", "/").split("/")]
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in safe)
    assert len(safe.encode()) <= MAX_PATH_BYTES


@given(PATHS)
def test_a_safe_path_is_its_own_safe_path(path):
    safe = accepted(path)
    assert safe is None or safe_path(safe) == safe


@given(PATHS)
def test_a_safe_directory_is_its_own_safe_directory(path):
    try:
        directory = safe_directory(path)
    except Invalid:
        return
    assert directory == "" or directory.endswith("/")
    assert safe_directory(directory) == directory


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("a.txt", "a.txt"),
        ("./a//b/", "a/b"),
        ("a/./b", "a/b"),
        ("..a/b..", "..a/b.."),
        (".hidden/.git", ".hidden/.git"),
        ("日本/é.txt", "日本/é.txt"),
        ("100%.txt", "100%.txt"),
        ("a%20b.txt", "a%20b.txt"),
        ("https%3A%2F%2Fexample.org%2Fx", "https%3A%2F%2Fexample.org%2Fx"),
        ("表紙／裏.png", "表紙／裏.png"),
        ("12:30:00.csv", "12:30:00.csv"),
        (" a ", " a "),
        ("v1..2/x", "v1..2/x"),
    ],
)
def test_an_ordinary_name_is_kept(path, stored):
    assert safe_path(path) == stored


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        (".", "empty"),
        ("././", "empty"),
        ("/etc/passwd", "absolute"),
        ("//etc", "absolute"),
        ("..", "'..'"),
        ("a/../b", "'..'"),
        ("a/.. /b", "dots and spaces"),
        ("a/.../b", "dots and spaces"),
        ("a/ /b", "dots and spaces"),
        ("a\\b", "backslash"),
        ("..\\b", "backslash"),
        ("C:/x", "drive"),
        ("./c:x", "drive"),
        ("a\x00b", "control"),
        ("a\nb", "control"),
        ("a\x9bb", "control"),
        ("exe\u202etxt.exe", "control"),
        ("a\u2028b", "control"),
        ("\ud800", "Unicode"),
        ("%2e%2e/x", "disguise"),
        ("a/.%2E/x", "disguise"),
        ("a/%252e%252e/x", "disguise"),
        ("x%2f..%2fy", "disguise"),
        ("..%5cx", "disguise"),
        ("‥/x", "disguise"),
        ("a/．．/x", "disguise"),
        ("a/．./x", "disguise"),
        ("..／x", "disguise"),
        ("%E2%80%A5/x", "disguise"),
        ("a" * (MAX_PATH_BYTES + 1), "longer"),
        ("é" * 513, "longer"),
        ("%25" * 100_000, "longer"),
    ],
)
def test_a_refusal_names_its_reason(path, reason):
    with pytest.raises(Invalid, match=reason):
        safe_path(path)


@pytest.mark.parametrize("path", [None, "", ".", "/", "./", "//", "./."])
def test_the_root_has_many_spellings(path):
    assert safe_directory(path) == ""


def test_a_directory_ends_with_its_slash():
    assert safe_directory("/a/b") == safe_directory("a/b/") == "a/b/"


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("a.txt", "text/plain"),
        ("a/b.JSON", "application/json"),
        ("x.csv.gz", "application/gzip"),
        ("x.tar.xz", "application/x-xz"),
        ("weights.unknown-thing", "application/octet-stream"),
        ("no-name", "application/octet-stream"),
        ("data:text/html,x", "application/octet-stream"),
    ],
)
def test_the_content_type_comes_from_the_last_name(path, content_type):
    assert content_type_of(path) == content_type


def test_a_range_counts_both_ends():
    assert ByteRange(0, 0).length == 1
    assert ByteRange(5, 9).length == 5
