from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid
from armarium.domain.units import format_duration
from armarium.settings import Settings, describe, load


def test_defaults_need_nothing():
    assert load(environ={}) == Settings()


def test_variables_set_values():
    settings = load(
        environ={
            "ARMARIUM_DATA": "/srv/armarium",
            "ARMARIUM_PORT": "9000",
            "ARMARIUM_ANONYMOUS": "no",
            "ARMARIUM_MAX_FILE_BYTES": "10GB",
            "ARMARIUM_URL_LIFETIME": "2h",
            "ARMARIUM_PREVIOUS_SECRET_KEYS": "one, two",
            "ARMARIUM_HYPHA_LISTING_CACHE_SECONDS": "1.5",
            "ARMARIUM_URL": "http://where.clients.look",
            "HOME": "/root",
        }
    )
    assert settings == Settings(
        data=Path("/srv/armarium"),
        port=9000,
        anonymous=False,
        max_file_bytes=10_000_000_000,
        url_lifetime=timedelta(hours=2),
        previous_secret_keys=("one", "two"),
        hypha_listing_cache_seconds=1.5,
    )


def test_a_file_sets_values_and_more_specific_sources_win(tmp_path):
    file = tmp_path / "armarium.toml"
    file.write_text('port = 1\nhost = "::1"\nlog_level = "debug"\nanonymous = false\nblob_grace = "1h"\n')
    environ = {"ARMARIUM_CONFIG": str(file), "ARMARIUM_PORT": "2", "ARMARIUM_HOST": "0.0.0.0"}
    settings = load(environ=environ, overrides={"port": 3, "data": None})
    assert (settings.port, settings.host, settings.log_level) == (3, "0.0.0.0", "debug")
    assert (settings.anonymous, settings.blob_grace) == (False, timedelta(hours=1))


def test_an_empty_variable_counts_as_not_set():
    assert load(environ={"ARMARIUM_JWT_SECRET": "", "ARMARIUM_PORT": ""}) == Settings()


def test_a_misspelled_setting_is_refused_with_a_suggestion(tmp_path):
    with pytest.raises(Invalid, match=r"ARMARIUM_PROT is no setting.*'port'"):
        load(environ={"ARMARIUM_PROT": "1"})
    file = tmp_path / "armarium.toml"
    file.write_text("pubic_url = 'http://x'\n")
    with pytest.raises(Invalid, match=r"'pubic_url'.*'public_url'"):
        load(file, environ={})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "eighty"), ("port", "70000"), ("port", "-1"), ("anonymous", "perhaps"), ("log_level", "loud"),
        ("blob_grace", "a while"), ("max_file_bytes", "huge"), ("public_url", "example.org"), ("url_lifetime", "0s"),
        ("public_url", "https://example.org/?a=b"), ("jwt_secret", "too short"), ("secret_key", "too short"),
        ("root_token", "too short"),
    ],
)  # fmt: skip
def test_values_that_cannot_work_are_refused_by_name(name, value):
    with pytest.raises(Invalid, match=f"'{name}' \\(ARMARIUM_{name.upper()}\\)") as caught:
        load(environ={f"ARMARIUM_{name.upper()}": value})
    if "secret" in name or "token" in name:
        assert value not in caught.value.message.replace("too short", "", 0).split(":")[-1]


def test_a_bad_file_is_refused(tmp_path):
    with pytest.raises(Invalid, match="cannot be read"):
        load(tmp_path / "none.toml", environ={})
    (tmp_path / "bad.toml").write_text("port = = 1")
    with pytest.raises(Invalid, match="not valid TOML"):
        load(tmp_path / "bad.toml", environ={})


def test_secrets_are_not_shown():
    settings = Settings(
        jwt_secret="jjjjjjjj", secret_key="kkkkkkkk", root_token="rrrrrrrr", previous_secret_keys=("pp",)
    )
    shown = repr(settings) + repr(list(settings.__rich_repr__()))
    assert not any(secret in shown for secret in ("jjjj", "kkkk", "rrrr", "pp"))


def test_a_public_url_has_no_slash_at_the_end():
    assert load(environ={"ARMARIUM_PUBLIC_URL": "https://example.org/x/"}).public_url == "https://example.org/x"


def test_every_setting_is_described():
    described = describe()
    assert [each.name for each in described] == [field.name for field in msgspec.structs.fields(Settings)]
    assert all(each.text.endswith(".") and each.kind and each.variable.isupper() for each in described)


def test_every_described_default_reads_back():
    environ = {each.variable: each.default for each in describe()}
    assert load(environ=environ) == Settings()


@given(st.integers(1000, 10**10))
def test_durations_read_back(milliseconds):
    duration = timedelta(milliseconds=milliseconds)
    settings = load(environ={"ARMARIUM_BLOB_GRACE": format_duration(duration)})
    assert abs(settings.blob_grace - duration) < timedelta(milliseconds=1)


def test_what_other_s3_programs_read_is_read_where_ours_is_not_set():
    usual = {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "eu-north-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
    }
    settings = load(environ=usual)
    assert (settings.s3_access_key_id, settings.s3_secret_access_key, settings.s3_session_token) == (
        "id",
        "secret",
        "token",
    )
    assert (settings.s3_region, settings.s3_endpoint) == ("eu-north-1", "http://127.0.0.1:9000")
    ours = {"ARMARIUM_S3_ACCESS_KEY_ID": "ours", "ARMARIUM_S3_SECRET_ACCESS_KEY": "sesame"}
    settings = load(environ=usual | ours)
    assert (settings.s3_access_key_id, settings.s3_secret_access_key, settings.s3_session_token) == (
        "ours",
        "sesame",
        None,
    )
    with pytest.raises(Invalid, match="belong together"):
        load(environ={"ARMARIUM_S3_ACCESS_KEY_ID": "alone"})
    assert "sesame" not in repr(settings)
