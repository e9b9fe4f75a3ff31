"""Artifacts as web pages: sites of their owners, and the pages of ours."""

import re
from typing import Any

import pytest
import requests

from tests.faces.hypha.wire import an_artifact, fill
from tests.faces.people import Person

OPEN = {"*": "r"}
INDEX = (
    b"<h1>{{ artifact.manifest.name }}</h1><p>{{ artifact.view_count }} {{ user.id }} {{ workspace }} "
    b"{{ metadata.colour }} {{ local_base_url }} {{ view_base_url }} {{ artifact_base_url }}</p>"
)
SITE = {
    "www/index.html": INDEX,
    "www/raw.html": b"<p>{{ artifact.id }}</p>",
    "www/docs/index.html": b"<p>docs</p>",
    "www/style.css": b"h1 { color: teal }",
    "www/film.bin": bytes(range(100)),
    "private.txt": b"not part of the site",
}
VIEW = {
    "root_directory": "/www",
    "templates": ["index.html"],
    "headers": {"X-Custom": "yes", "Set-Cookie": "a=b", "Content-Security-Policy": "img-src 'none'"},
    "metadata": {"colour": "teal"},
}


class Views:
    """The view routes of one workspace, as one caller or as nobody."""

    def __init__(self, web: requests.Session, base: str, headers: dict[str, str] | None = None) -> None:
        self._web = web
        self.base = base
        self._headers = headers or {}

    def get(self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> requests.Response:
        given = {**self._headers, **(headers or {})}
        return self._web.request(method, f"{self.base}{path}", headers=given, timeout=30, allow_redirects=False)


@pytest.fixture
def views(web: requests.Session, url: str, ada: Person) -> Views:
    return Views(web, f"{url}/{ada.workspace}/view")


@pytest.fixture
def adas_views(web: requests.Session, url: str, ada: Person) -> Views:
    return Views(web, f"{url}/{ada.workspace}/view", ada.headers)


@pytest.fixture
async def site(store: Any) -> Any:
    manifest = {"name": "<b>Tides</b>", "description": "d"}
    return await an_artifact(store, "site", SITE, config={"permissions": OPEN, "view_config": VIEW}, manifest=manifest)


async def a_page(store: Any, alias: str, **options: Any) -> Any:
    config = {"permissions": OPEN, **options.pop("config", {})}
    return await an_artifact(store, alias, options.pop("files", {"a.txt": b"a"}), config=config, **options)


# sites


async def test_the_index_is_rendered_with_what_a_template_knows(site: Any, views: Views, url: str, ada: Person):
    answer = views.get("/site/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>&lt;b&gt;Tides&lt;/b&gt;</h1>" in answer.text
    base = f"{url}/{ada.workspace}"
    assert f" {ada.workspace} teal {url} {base}/view/site {base}/artifacts/site</p>" in answer.text


async def test_the_visitor_is_named_to_the_template(site: Any, adas_views: Views, ada: Person):
    assert f" {ada.id} " in adas_views.get("/site").text


async def test_a_file_that_is_no_template_is_sent_as_it_is(site: Any, views: Views):
    assert views.get("/site/raw.html").text == "<p>{{ artifact.id }}</p>"
    assert views.get("/site/style.css").headers["content-type"].startswith("text/css")


async def test_a_part_of_a_file_can_be_asked_for(site: Any, views: Views):
    answer = views.get("/site/film.bin", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.headers["content-range"]) == (206, "bytes 10-19/100")
    assert answer.content == bytes(range(10, 20))
    assert views.get("/site/film.bin", headers={"Range": "bytes=500-"}).status_code == 416


async def test_a_directory_shows_its_index(site: Any, views: Views):
    assert views.get("/site/docs/").text == "<p>docs</p>"


async def test_a_browser_is_led_to_the_slash_that_relative_links_need(site: Any, views: Views):
    answer = views.get("/site?stage=false", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["location"]) == (307, "./site/?stage=false")
    assert views.get("/site").status_code == 200


async def test_head_answers_like_get_and_counts_nothing(site: Any, views: Views, store: Any):
    for path in ("/site/", "/site/style.css"):
        answer = views.get(path, method="HEAD")
        assert (answer.status_code, answer.content) == (200, b"")
    assert (await store.read(site.id, silent=True)).view_count == 0


async def test_every_page_and_file_counts_a_view(site: Any, views: Views, store: Any):
    assert "<p>1.0 " in views.get("/site/").text
    views.get("/site/style.css")
    views.get("/site/missing.css")
    assert (await store.read(site.id, silent=True)).view_count == 2


@pytest.mark.parametrize("path", ["/site/missing.css", "/site/private.txt", "/site/www/index.html", "/nobody/"])
async def test_what_is_not_in_the_site_is_not_found(site: Any, views: Views, path: str):
    assert views.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/site/..%2Fprivate.txt", "/site/%2e%2e/private.txt", "/site/a%5Cb", "/site/%00", "/site//etc/passwd"]
)
async def test_no_path_leaves_the_root_directory(site: Any, views: Views, path: str):
    answer = views.get(path)
    assert answer.status_code in (400, 404)
    assert "not part of the site" not in answer.text


async def test_a_root_directory_cannot_leave_the_artifact(store: Any, views: Views):
    await a_page(store, "escape", config={"view_config": {"root_directory": "../../"}})
    assert views.get("/escape/a.txt").status_code == 400


async def test_a_draft_is_shown_to_who_asks_for_it(site: Any, adas_views: Views, store: Any):
    await store.edit(site.id, manifest={"name": "Drafted", "description": "d"}, stage=True)
    await fill(store, site.id, {"www/style.css": b"h1 { color: red }"})
    assert "Drafted" in adas_views.get("/site/?stage=true").text
    assert "Drafted" not in adas_views.get("/site/").text
    assert "red" in adas_views.get("/site/style.css?stage=true").text
    assert "teal" in adas_views.get("/site/style.css").text


async def test_a_version_can_be_named(site: Any, views: Views, store: Any):
    await store.edit(site.id, manifest={"name": "Second", "description": "d"}, version="new", stage=True)
    await fill(store, site.id, SITE)
    await store.commit(site.id)
    assert "Second" in views.get("/site/").text
    assert "Tides" in views.get("/site/?version=v0").text


# what a site may not do


async def test_a_site_runs_in_an_origin_of_its_own(site: Any, views: Views):
    for path in ("/site/", "/site/raw.html", "/site/style.css"):
        headers = views.get(path).raw.headers
        policies = headers.getlist("content-security-policy")
        assert any(policy.startswith("sandbox ") and "allow-same-origin" not in policy for policy in policies)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_an_owners_headers_are_added_and_replace_none_of_ours(site: Any, views: Views):
    for path in ("/site/", "/site/style.css"):
        headers = views.get(path).raw.headers
        assert headers["x-custom"] == "yes"
        assert "set-cookie" not in headers
        assert len(headers.getlist("content-security-policy")) == 2


async def test_a_template_learns_no_secret_and_no_address_of_its_visitor(store: Any, adas_views: Views, ada: Person):
    await a_page(
        store,
        "nosy",
        files={"index.html": b"{{ artifact|tojson }} {{ user|tojson }} {{ artifact.secrets }} {{ config }}"},
        config={"view_config": {"templates": ["index.html"]}},
        secrets={"KEY": "deep secret"},
    )
    text = adas_views.get("/nosy/").text
    assert ada.id in text
    assert ada.email not in text
    assert ada.token not in text
    assert "deep secret" not in text


@pytest.mark.parametrize(
    "source",
    [
        b"{{ ''.__class__.__mro__ }}",
        b"{% for i in range(10**9) %}{% endfor %}",
        b"{{ 'a' * 10**10 }}",
        b"{% if %}",
        b"\xff",
    ],
)
async def test_a_bad_template_is_told_and_counts_nothing(store: Any, views: Views, source: bytes):
    page = await a_page(
        store, "bad", files={"index.html": source}, config={"view_config": {"templates": ["index.html"]}}
    )
    answer = views.get("/bad/")
    assert (answer.status_code, answer.json()["detail"][:26]) == (400, "Template rendering failed:")
    assert (await store.read(page.id, silent=True)).view_count == 0


async def test_a_template_too_long_is_refused(store: Any, views: Views):
    config = {"view_config": {"templates": ["index.html"]}}
    await a_page(store, "long", files={"index.html": b"x" * 300_000}, config=config)
    assert views.get("/long/").status_code == 413


# rights


async def test_who_may_not_get_files_sees_no_site(store: Any, views: Views, adas_views: Views):
    await an_artifact(store, "closed", SITE, config={"view_config": VIEW})
    assert views.get("/closed/").status_code == 403
    assert views.get("/closed/style.css").status_code == 403
    assert adas_views.get("/closed/").status_code == 200


async def test_a_token_in_the_query_opens_a_site(store: Any, views: Views, ada: Person):
    await an_artifact(store, "closed", SITE, config={"view_config": VIEW})
    assert views.get(f"/closed/style.css?token={ada.token}").status_code == 200


async def test_a_limited_token_opens_its_one_file(store: Any, visit: Any, views: Views, ada: Person):
    closed = await an_artifact(store, "closed", SITE, config={"view_config": VIEW})
    client = await visit(ada)
    token = await client.generate_token({"extra_scopes": [f"get_file:{closed.id}:www%2Fstyle.css"]})
    assert views.get(f"/closed/style.css?token={token}").status_code == 200
    assert views.get(f"/closed/raw.html?token={token}").status_code == 403


async def test_a_disabled_view_says_so(store: Any, views: Views):
    await a_page(store, "off", type="application", config={"view_config": "disabled"})
    for path in ("/off/", "/off/a.txt", "/off?builtin=true"):
        answer = views.get(path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "View access is disabled"})


@pytest.mark.parametrize("config", ["odd", 7, {"templates": "index.html"}, {"headers": {"X": 1}}, []])
async def test_a_view_config_nobody_understands_is_told(store: Any, views: Views, config: Any):
    await a_page(store, "odd", config={"view_config": config})
    assert views.get("/odd/").status_code == 400


# pages of ours


async def test_a_generic_artifact_has_no_page_unless_asked_for(store: Any, views: Views):
    await a_page(store, "plain")
    answer = views.get("/plain")
    assert (answer.status_code, answer.json()) == (400, {"detail": "This artifact type does not support view mode"})
    assert views.get("/plain?builtin=true").status_code == 200
    await a_page(store, "wants", config={"view_config": {"use_builtin_template": True}})
    assert "a.txt" in views.get("/wants/").text


async def test_an_application_shows_files_versions_and_manifest(store: Any, views: Views):
    manifest = {
        "name": "Tide <table>",
        "description": "Waves & wind",
        "authors": [{"name": "Ada"}],
        "links": ["https://example.org/paper", "javascript:alert(1)"],
        "covers": ["cover.png", "x"],
    }
    files = {"cover.png": b"png", "data/one.csv": b"1" * 2500, "README.md": b"hi"}
    await a_page(store, "app", type="application", manifest=manifest, files=files)
    answer = views.get("/app")
    text = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Tide &lt;table&gt;</h1>" in text
    assert "Waves &amp; wind" in text
    assert "Ada" in text
    assert 'href="https://example.org/paper"' in text
    assert 'href="javascript:' not in text
    assert "/artifacts/app/files/README.md" in text
    assert "/artifacts/app/files/cover.png?silent=true" in text
    assert ">v0</a>" in text
    assert "2.5 kB" in views.get("/app?dir=data/").text


async def test_a_page_of_ours_runs_no_script_and_loads_nothing_from_elsewhere(store: Any, views: Views):
    await a_page(
        store, "app", type="application", manifest={"name": "x", "covers": ["https://elsewhere.example/c.png"]}
    )
    answer = views.get("/app")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "<script" not in answer.text
    assert 'elsewhere.example/c.png"' not in answer.text
    assert re.findall(r'src="(?!/)', answer.text) == []


async def test_a_collection_is_a_gallery_that_can_be_searched_and_sorted(store: Any, views: Views):
    gallery = await a_page(store, "gallery", type="collection", manifest={"name": "Sea life", "description": "d"})
    for n, name in enumerate(["Whales", "Kelp", "Crabs"]):
        await an_artifact(
            store, f"child-{n}", {"a.txt": b"a"}, parent_id=gallery.id, manifest={"name": name, "tags": [f"tag{n}"]}
        )
    text = views.get("/gallery").text
    assert all(name in text for name in ("Whales", "Kelp", "Crabs", "tag1", "3 artifacts"))
    found = views.get("/gallery?q=kelp").text
    assert "Kelp" in found
    assert "Whales" not in found
    by_name = views.get("/gallery?order=name").text
    assert by_name.index("Crabs") < by_name.index("Kelp") < by_name.index("Whales")
    assert "has these words" in views.get("/gallery?q=nothing-like-it").text


async def test_a_gallery_has_pages(store: Any, views: Views):
    gallery = await a_page(store, "many", type="collection")
    for n in range(25):
        await store.create(alias=f"m{n}", parent_id=gallery.id, manifest={"name": f"Child {n}"})
    first = views.get("/many").text
    assert "Page 1 of 2" in first
    assert 'rel="next" href="?builtin=true&amp;order=newest&amp;page=2"' in first
    second = views.get("/many?page=2").text
    assert first.count('class="card"') == 24
    assert second.count('class="card"') == 1
    assert views.get("/many?page=99999999").status_code == 200
    assert views.get("/many?page=x").status_code == 400


async def test_what_people_write_stays_text_in_a_gallery(store: Any, views: Views):
    gallery = await a_page(store, "tricky", type="collection", manifest={"name": "<script>alert(1)</script>"})
    await store.create(
        alias="child",
        parent_id=gallery.id,
        type="'\"><img src=x>",
        manifest={"name": "<img src=x onerror=alert(1)>", "tags": ['"><b>'], "covers": ["javascript:alert(1)"]},
    )
    text = views.get("/tricky?q=%22%3E%3Cscript%3E").text + views.get("/tricky").text
    assert "<script>" not in text
    assert "<img src=x" not in text
    assert "<b>" not in text


async def test_a_page_of_ours_counts_a_view(store: Any, views: Views):
    page = await a_page(store, "app", type="application")
    assert "1 view<" in views.get("/app").text
    assert (await store.read(page.id, silent=True)).view_count == 1


async def test_a_page_of_ours_needs_the_right_to_read(store: Any, views: Views, adas_views: Views):
    await an_artifact(store, "closed", {"a.txt": b"a"}, type="application")
    assert views.get("/closed").status_code == 403
    assert adas_views.get("/closed").status_code == 200


@pytest.mark.parametrize(("path", "status"), [("/nothing/", 404), ("/closed", 403), ("/nothing/<b>", 404)])
async def test_a_browser_is_refused_with_a_page_and_a_program_with_json(
    store: Any, views: Views, path: str, status: int
):
    await an_artifact(store, "closed", {"a.txt": b"a"})
    program, browser = views.get(path), views.get(path, headers={"Accept": "text/html,*/*"})
    assert (program.status_code, program.headers["content-type"]) == (status, "application/json")
    assert (browser.status_code, browser.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert "script" not in browser.headers["content-security-policy"]
    assert "<b>" not in browser.text


async def test_an_older_version_is_said_to_be_one(store: Any, views: Views):
    made = await a_page(store, "shells", files={"a.txt": b"a", "b.txt": b"b"})
    await store.edit(made.id, manifest={"name": "Shells"}, version="new", comment="No files")
    old, latest = views.get("/shells?builtin=true&version=v0").text, views.get("/shells?builtin=true").text
    assert "This is version v0" in old
    assert ">2 files<" in old
    assert "This is version" not in latest
    assert ">0 files<" in latest


async def test_the_root_of_the_server_tells_the_doors(web: requests.Session, url: str):
    told = web.get(url, timeout=30).json()
    assert told["name"] == "armarium"
    assert set(told["doors"]) == {"hypha", "dataforce", "ivcap", "aimable"}
    page = web.get(url, headers={"Accept": "text/html,*/*"}, timeout=30).text
    for name, address in told["doors"].items():
        assert f"<td>{name}</td><td><code>{address}</code>" in page
