import pytest


@pytest.mark.parametrize("door", ["aimable", "dataforce", "ivcap"])
def test_a_door_is_described_and_can_be_tried_without_going_elsewhere(web, url, door):
    described = web.get(f"{url}/openapi/{door}.json").json()
    assert described["openapi"].startswith("3.1")
    assert described["servers"] == [{"url": url}]
    assert described["paths"]
    page = web.get(f"{url}/docs/{door}")
    assert f'fetch("/openapi/{door}.json")' in page.text
    assert "http:" not in page.text
    assert "https:" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]


def test_a_door_nobody_has_is_not_found(web, url):
    assert {web.get(f"{url}/{path}").status_code for path in ("docs/none", "openapi/none.json")} == {404}
