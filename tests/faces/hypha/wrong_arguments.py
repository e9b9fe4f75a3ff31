"""Calls of the artifact manager that must be refused: (function, arguments, a pattern of what the refusal says).

They are made against the artifact `box` of the fixture of that name.
"""

from typing import Any

UNKNOWN_ID = "01a20032-4740-7124-b014-9ae62cc7160f"

ALIASES = [
    ("with space", "Invalid alias"),
    ("", "Invalid alias"),
    (".", "Invalid alias"),
    ("..", "Invalid alias"),
    ("-", "reserved"),
    ("~", "reserved"),
    ("_", "reserved"),
    ("a?b", "Invalid alias"),
    ("a#b", "Invalid alias"),
    ("a%2Fb", "Invalid alias"),
    ("a\\b", "Invalid alias"),
    ("a\nb", "Invalid alias"),
    ("a\0b", "Invalid alias"),
    ("ünicode", "Invalid alias"),
    ("a" * 65, "too long|maximum"),
    ("a/b/c", "Invalid alias"),
    (UNKNOWN_ID, "cannot be a UUID"),
    (7, "alias"),
]
PATHS = [
    ("../x", r"'\.\.'"),
    ("a/../../x", r"'\.\.'"),
    ("..", r"'\.\.'"),
    ("/etc/passwd", "absolute"),
    ("//a", "absolute"),
    ("a\\b", "backslash"),
    ("..\\x", "backslash"),
    ("a\0b", "control character"),
    ("a\nb", "control character"),
    ("C:/x", "drive letter"),
    ("c:x", "drive letter"),
    ("", "empty"),
    (".", "empty"),
    ("./", "empty"),
    ("x" * 1025, "longer"),
    ("ü" * 600, "longer"),
    (7, "string"),
    (None, "string"),
    ({"a": 1}, "string"),
    ([], "string|empty|least one"),
    (["ok.txt", "../x"], r"'\.\.'|string"),
]
WRONG_ARGUMENTS: list[tuple[str, dict[str, Any], str]] = [
    *(("create", {"alias": alias, "manifest": {"name": "x"}}, f"ValueError: .*({words})") for alias, words in ALIASES),
    ("create", {"alias": "new"}, "Manifest must be provided"),
    ("create", {"alias": "new", "manifest": {}}, "Manifest must be provided"),
    ("create", {"alias": "new", "manifest": []}, "Invalid manifest: it must be|Manifest must be"),
    ("create", {"alias": "new", "manifest": "text"}, "Invalid manifest: it must be|Manifest must be"),
    ("create", {"alias": "new", "manifest": {"tags": "no list"}}, "ValueError: Invalid manifest: 'tags'"),
    ("create", {"alias": "new", "manifest": {"name": 7}}, "ValueError: Invalid manifest: 'name'"),
    ("create", {"alias": "new", "manifest": {"a": "x\0y"}}, "ValueError: Invalid manifest: .*NUL"),
    ("create", {"alias": "new", "manifest": {"a": b"bytes"}}, "ValueError: Invalid manifest"),
    (
        "create",
        {"alias": "new", "manifest": {"a": "x"}, "config": "no object"},
        "ValueError: Invalid config: it must be an object",
    ),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "config": {"permissions": "r"}}, "ValueError: Invalid config"),
    (
        "create",
        {"alias": "new", "manifest": {"a": "x"}, "config": {"permissions": {"*": 7}}},
        "ValueError: Invalid config",
    ),
    (
        "create",
        {"alias": "new", "manifest": {"a": "x"}, "config": {"collection_schema": {"type": "unheard-of"}}},
        "ValueError: Invalid collection_schema",
    ),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "secrets": {"K": 7}}, "ValueError: .*'K' must be a string"),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "version": "a/b"}, "ValueError: Invalid version"),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "version": 7}, "ValueError: Invalid version"),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "comment": 7}, "ValueError: Invalid comment"),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "type": 7}, "ValueError: Invalid type"),
    ("create", {"alias": "box", "manifest": {"a": "x"}}, "FileExistsError: .*already exists"),
    (
        "create",
        {"alias": "new", "manifest": {"a": "x"}, "parent_id": "missing"},
        "KeyError: .*Artifact with ID '\\S+/missing'",
    ),
    ("create", {"alias": "new", "manifest": {"a": "x"}, "workspace": "no-such"}, "does not exist|permission"),
    (
        "create",
        {"artifact_id": "a/b", "alias": "x", "manifest": {"a": "x"}},
        "ValueError: artifact_id cannot be combined",
    ),
    ("create", {"artifact_id": "bare", "manifest": {"a": "x"}}, "ValueError: Invalid artifact ID format"),
    ("create", {"alias": "ws/x", "workspace": "other", "manifest": {"a": "x"}}, "ValueError: .*does not match"),
    (
        "read",
        {"artifact_id": "missing"},
        "KeyError: .*Artifact with ID '\\S+/missing' does not exist.*Note: When working",
    ),
    ("read", {"artifact_id": UNKNOWN_ID}, f"KeyError: .*'{UNKNOWN_ID}' does not exist"),
    ("read", {"artifact_id": "a/b/c"}, "Invalid artifact ID format"),
    ("read", {"artifact_id": ""}, "Invalid artifact ID format"),
    ("read", {"artifact_id": 7}, "artifact"),
    ("read", {"artifact_id": None}, "artifact"),
    ("read", {"artifact_id": {"a": 1}}, "artifact"),
    ("read", {"artifact_id": "x' OR '1'='1"}, "KeyError: .*does not exist"),
    ("read", {"artifact_id": "a\0b"}, "does not exist|Invalid"),
    ("read", {"artifact_id": "box", "version": "v9"}, "ValueError: Artifact version 'v9' does not exist"),
    ("read", {"artifact_id": "box", "version": "0"}, "ValueError: Artifact version '0' does not exist"),
    ("read", {"artifact_id": "box", "version": -1}, "non-negative"),
    ("read", {"artifact_id": "box", "version": 99}, "out of range"),
    ("read", {"artifact_id": "box", "version": 1.5}, "ValueError: Invalid version"),
    ("read", {"artifact_id": "box", "version": True}, "ValueError: Invalid version"),
    ("read", {"artifact_id": "box", "version": ["v0"]}, "ValueError: Invalid version"),
    ("read", {"artifact_id": "box", "version": "v0", "stage": True}, "cannot specify a version when using stage mode"),
    ("edit", {"artifact_id": "box", "version": "custom"}, "ValueError: Invalid version"),
    ("edit", {"artifact_id": "box", "version": "custom", "stage": True}, "ValueError: Invalid version"),
    ("edit", {"artifact_id": "box", "version": 0}, "ValueError: Invalid version"),
    ("edit", {"artifact_id": "box", "version": ["new"], "stage": True}, "ValueError: Invalid version"),
    ("edit", {"artifact_id": "box", "manifest": "text"}, "ValueError: Invalid manifest: it must be an object"),
    ("edit", {"artifact_id": "box", "manifest": {"tags": 7}, "stage": True}, "ValueError: Invalid manifest"),
    ("edit", {"artifact_id": "box", "config": [1]}, "ValueError: Invalid config: it must be an object"),
    ("edit", {"artifact_id": "box", "secrets": "text"}, "ValueError: Invalid secrets: it must be an object"),
    ("edit", {"artifact_id": "missing", "manifest": {"a": 1}}, "KeyError: .*does not exist"),
    ("commit", {"artifact_id": "box"}, "FileNotFoundError: File 'pending.txt' does not exist"),
    ("commit", {"artifact_id": "box", "version": "stage"}, "Invalid version"),
    ("commit", {"artifact_id": "box", "version": 7}, "ValueError: Invalid version"),
    ("commit", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("discard", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("delete", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    (
        "delete",
        {"artifact_id": "box", "version": "stage"},
        "ValueError: Cannot delete staged version. .*'discard' function",
    ),
    (
        "delete",
        {"artifact_id": "box", "version": "v9"},
        r"ValueError: Version 'v9' does not exist.*Available versions: \['v0', 'v1'\]",
    ),
    ("delete", {"artifact_id": "box", "version": 2}, "Version index 2 is out of range. Available indices: 0-1"),
    ("delete", {"artifact_id": "box", "version": -1}, "Version index -1 is out of range"),
    ("delete", {"artifact_id": "box", "version": True}, "ValueError: "),
    ("delete", {"artifact_id": "box", "version": 1.5}, "ValueError: "),
    *(
        (function, {"artifact_id": "box", "file_path": path, **more}, f"ValueError: .*({words})")
        for path, words in PATHS
        for function, more in (
            ("put_file", {}),
            ("get_file", {}),
            ("remove_file", {}),
            ("read_file", {}),
            ("write_file", {"content": "x"}),
        )
        if not (isinstance(path, list) and path and function in ("remove_file", "read_file", "write_file"))
    ),
    *(
        ("list_files", {"artifact_id": "box", "dir_path": path}, f"ValueError: .*({words})")
        for path, words in PATHS
        if path not in ("", ".", "./", None, "/etc/passwd", "//a")
    ),
    ("put_file", {"artifact_id": "box", "file_path": "x", "download_weight": -1}, "non-negative"),
    ("put_file", {"artifact_id": "box", "file_path": "x", "download_weight": float("nan")}, "non-negative"),
    (
        "put_file",
        {"artifact_id": "box", "file_path": "x", "download_weight": "1"},
        "Invalid download_weight: it must be a number",
    ),
    (
        "put_file",
        {"artifact_id": "box", "file_path": ["x", "y"], "download_weight": [1]},
        "one download weight for each",
    ),
    (
        "put_file",
        {"artifact_id": "box", "file_path": "x", "expires_in": "soon"},
        "Invalid expires_in: it must be a number",
    ),
    ("get_file", {"artifact_id": "box", "file_path": "x.txt"}, "FileNotFoundError: File 'x.txt' does not exist"),
    ("get_file", {"artifact_id": "box", "file_path": "d"}, "FileNotFoundError: File 'd' does not exist"),
    ("get_file", {"artifact_id": "box", "file_path": "new.txt"}, "FileNotFoundError: File 'new.txt' does not exist"),
    ("get_file", {"artifact_id": "box", "file_path": ["a.txt", "x.txt"]}, "FileNotFoundError: File 'x.txt'"),
    ("get_file", {"artifact_id": "box", "file_path": "a.txt", "version": "v9"}, "version 'v9' does not exist"),
    ("get_file", {"artifact_id": "box", "file_path": "a.txt", "expires_in": float("nan")}, "expires_in"),
    ("read_file", {"artifact_id": "box", "file_path": "x.txt"}, "FileNotFoundError: File 'x.txt' does not exist"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "format": "xml"}, "Invalid format"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "format": "json"}, "not valid json"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "encoding": "unheard-of"}, "ValueError: "),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "encoding": 7}, "ValueError: "),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "limit": 0}, "positive integer"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "limit": 10485761}, "Limit cannot exceed 10MB"),
    ("read_file", {"artifact_id": "box", "file_path": "a.txt", "offset": -1}, "non-negative"),
    ("write_file", {"artifact_id": "box", "file_path": "w", "content": 7}, "ValueError: Content must be a string"),
    ("write_file", {"artifact_id": "box", "file_path": "w", "content": "ü", "encoding": "ascii"}, "ValueError: "),
    ("write_file", {"artifact_id": "box", "file_path": "w", "content": "!", "format": "base64"}, "not valid base64"),
    ("write_file", {"artifact_id": "box", "file_path": "w", "content": "x", "format": "binary"}, "not valid binary"),
    ("list_files", {"artifact_id": "box", "limit": -1}, "Invalid limit"),
    ("list_files", {"artifact_id": "box", "offset": "x"}, "Invalid offset"),
    ("list_files", {"artifact_id": "box", "version": "v9"}, "version 'v9' does not exist"),
    ("list_files", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    *(
        (function, arguments, f"ValueError: .*({words})")
        for function in ("list", "search")
        for arguments, words in [
            ({"filters": {"unheard_of": 1}}, "Invalid filter key: unheard_of"),
            ({"filters": {"id; DROP TABLE artifact": 1}}, "Invalid filter key"),
            ({"filters": {"manifest": "text"}}, "Invalid filter key"),
            ({"filters": "text"}, "Invalid filters"),
            ({"filters": [1]}, "Invalid filters"),
            ({"filters": {"manifest": {"a": {"$gt": "x"}}}}, "takes a number"),
            ({"filters": {"manifest": {"a": {"$where": "1"}}}}, "Invalid filter operator"),
            ({"filters": {"manifest": {"$or": {"a": 1}}}}, "takes a list"),
            ({"filters": {"created_at": "yesterday"}}, "number"),
            ({"filters": {"created_at": [1]}}, "list of two"),
            ({"filters": {"version": "v0"}}, "version"),
            ({"order_by": "manifest.a;--"}, "Invalid order_by"),
            ({"order_by": "id') --"}, "Invalid order_by"),
            ({"order_by": 7}, "Invalid order_by"),
            ({"keywords": 7}, "[Kk]eyword"),
            ({"keywords": [7]}, "[Kk]eyword"),
            ({"limit": -1}, "Invalid limit"),
            ({"offset": -1}, "Invalid offset"),
            ({"limit": "ten"}, "Invalid limit"),
            ({"limit": 1.5}, "Invalid limit"),
        ]
    ),
    ("list", {"parent_id": "missing"}, "KeyError: .*does not exist"),
    ("set_download_weight", {"artifact_id": "box", "file_path": "a.txt", "download_weight": -1}, "non-negative"),
    (
        "set_download_weight",
        {"artifact_id": "box", "file_path": 7, "download_weight": 1},
        "it must be a string|must be a string",
    ),
    (
        "set_secret",
        {"artifact_id": "box", "secret_key": "K", "secret_value": 7},
        "it must be a string|must be a string",
    ),
    (
        "set_secret",
        {"artifact_id": "box", "secret_key": 7, "secret_value": "x"},
        "it must be a string|must be a string",
    ),
    ("get_secret", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("publish", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("publish", {"artifact_id": "box"}, "ValueError: Publishing to 'None' is not supported"),
    ("publish", {"artifact_id": "box", "to": ["zenodo"]}, "ValueError: Invalid to"),
    ("publish", {"artifact_id": "box", "to": "zenodo", "metadata": "none"}, "ValueError: Invalid metadata"),
    ("reset_stats", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("get_status", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    *(
        ("put_file_start_multipart", {"artifact_id": "box", "file_path": "x", "part_count": 2, **arguments}, words)
        for arguments, words in [
            ({"part_count": 0}, "Part count must be greater than 0"),
            ({"part_count": 10_001}, "maximum number of parts is 10,000"),
            ({"part_count": "2"}, "Invalid part_count"),
            ({"download_weight": -1}, "Download weight must be a non-negative number"),
            ({"file_path": "../x"}, r"'\.\.'"),
        ]
    ),
    *(
        ("put_file_complete_multipart", {"artifact_id": "box", "upload_id": "none", "parts": [], **arguments}, words)
        for arguments, words in [
            ({}, "Upload session expired or not found|at least one part"),
            (
                {"upload_id": UNKNOWN_ID, "parts": [{"part_number": 1, "etag": "x"}]},
                "Upload session expired or not found",
            ),
            ({"upload_id": 7}, "Invalid upload_id"),
            ({"parts": "x"}, "Invalid parts"),
            ({"parts": [7]}, "ValueError: "),
        ]
    ),
    ("duplicate", {"source_artifact_id": "missing"}, "KeyError: .*does not exist"),
    ("duplicate", {"source_artifact_id": "box", "target_alias": "a b"}, "Invalid alias"),
    ("duplicate", {"source_artifact_id": "box", "target_alias": "box"}, "FileExistsError: .*already exists"),
    ("duplicate", {"source_artifact_id": "box", "target_parent_id": "missing"}, "KeyError: .*does not exist"),
    ("set_parent", {"artifact_id": "box", "new_parent_id": "box"}, "cannot be its own parent"),
    ("set_parent", {"artifact_id": "box", "new_parent_id": "missing"}, "KeyError: .*does not exist"),
    ("set_parent", {"artifact_id": "missing"}, "KeyError: .*does not exist"),
    *(
        (function, {**arguments, "unheard_of": 1}, "TypeError: .*unexpected keyword argument 'unheard_of'")
        for function, arguments in [
            ("create", {"alias": "new", "manifest": {"a": 1}}),
            ("read", {"artifact_id": "box"}),
            ("delete", {"artifact_id": "box"}),
            ("discard", {"artifact_id": "box"}),
            ("list", {}),
        ]
    ),
    *(
        (function, {}, "TypeError: .*missing .*required .*argument")
        for function in ("read", "edit", "commit", "discard", "delete", "put_file", "list_files", "get_secret")
    ),
]
