import contextlib
import math

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from armarium.domain.errors import Invalid, Unsupported
from armarium.faces.hypha import frames
from armarium.faces.hypha.frames import FrameError, Routing
from armarium.faces.hypha.values import RemoteValue, from_wire, to_wire

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
)
plain = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)
keys = st.text() | st.integers(-(2**31), 2**31) | st.none() | st.booleans() | st.binary()
any_keys = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20)


def read(frame):
    routing, payload = frames.split(frame)
    return routing, frames.read_payload(payload)


def revive(value):
    encoded = msgpack.packb(value)
    return from_wire(msgspec.msgpack.decode(encoded), encoded, RemoteValue)


def all_keys_are_text(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(all_keys_are_text, value.values()))
    return all(map(all_keys_are_text, value)) if isinstance(value, list) else True


@given(st.text(), st.text(), st.text(min_size=1), st.lists(plain, max_size=3))
def test_what_clients_pack_is_read_back(to, method, session, args):
    main = {"type": "method", "from": "a/b", "to": to, "method": method, "session": session}
    routing, payload = read(msgpack.packb(main) + msgpack.packb({"args": args, "promise": "*", "t": 1.5}))
    assert (routing.to, routing.method, routing.session) == (to, method, session)
    assert payload.args == args
    assert payload.heartbeat_seconds == 1.5


@given(plain)
def test_what_we_encode_is_read_by_a_streaming_unpacker(value):
    unpacker = msgpack.Unpacker(max_buffer_size=0)
    unpacker.feed(frames.encode(Routing("method", "a/b", "c/d", "s.resolve"), {"args": [value]}))
    assert unpacker.unpack() == {"type": "method", "from": "a/b", "to": "c/d", "method": "s.resolve"}
    assert unpacker.unpack() == {"args": [value]}


def test_a_frame_of_one_map_has_an_empty_payload():
    routing, payload = read(msgpack.packb({"type": "method", "to": "x", "method": "s.heartbeat", "surprise": 1}))
    assert routing.method == "s.heartbeat"
    assert payload.args == []


@given(plain)
def test_a_payload_passes_through_untouched(value):
    tail = msgpack.packb({"args": [value]})
    routing, payload = frames.split(msgpack.packb({"type": "method", "to": "x"}) + tail)
    routing.sender = "trusted/one"
    forwarded = frames.forward(routing, payload)
    assert forwarded.endswith(tail)
    assert frames.split(forwarded)[0].sender == "trusted/one"


def test_the_data_of_an_event_passes_through():
    routing, _ = frames.split(msgpack.packb({"type": "news", "to": "*", "data": {"a": [1]}}))
    assert msgpack.unpackb(frames.encode(routing)) == {"type": "news", "to": "*", "data": {"a": [1]}}


@given(st.binary(max_size=200))
def test_random_bytes_are_a_frame_or_a_frame_error(data):
    with contextlib.suppress(FrameError):
        read(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc0", b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", msgpack.packb({"to": 5}), b"\x81\x81\x01\x02\x03"],
    ids=["empty", "nil", "deep", "huge array", "wrong type", "map as key"],
)
def test_a_bad_frame_is_told_apart(data):
    with pytest.raises(FrameError):
        frames.split(data)


def test_a_frame_over_the_limit_is_refused():
    with pytest.raises(FrameError, match="too large"):
        frames.split(bytes(frames.FRAME_BYTES + 1))


@given(any_keys)
def test_keys_become_text_on_the_way_in(value):
    assert all_keys_are_text(revive(value))


@given(plain)
def test_plain_values_are_not_changed(value):
    assert to_wire(value) == value


def test_results_have_text_keys_and_lists_only():
    value = {2: (1, 2), None: {3}, "b": b"x", True: {2.5: "y"}}
    assert to_wire(value) == {"2": [1, 2], "true": {"2.5": "y"}, "null": [3], "b": b"x"}


def test_numpy_arrays_become_nested_lists():
    numpy = pytest.importorskip("numpy")
    for array in (numpy.arange(6, dtype="float32").reshape(2, 3), numpy.zeros((2, 0)), numpy.float16([1.5]).reshape(1)):
        fields = {
            "_rtype": "ndarray",
            "_rvalue": array.tobytes(),
            "_rshape": list(array.shape),
            "_rdtype": str(array.dtype),
        }
        assert revive([fields]) == [array.tolist()]
    scalar = {"_rtype": "ndarray", "_rvalue": numpy.int64(7).tobytes(), "_rshape": [], "_rdtype": "int64"}
    assert revive(scalar) == 7


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"_rtype": "ndarray", "_rvalue": b"123", "_rshape": [1], "_rdtype": "float32"}, Invalid),
        ({"_rtype": "ndarray", "_rvalue": b"", "_rshape": [-1], "_rdtype": "uint8"}, Invalid),
        ({"_rtype": "ndarray", "_rvalue": b"", "_rshape": [2**62, 0], "_rdtype": "uint8"}, Invalid),
        ({"_rtype": "ndarray", "_rvalue": b"", "_rshape": [0], "_rdtype": "complex128"}, Unsupported),
        ({"_rtype": "generator"}, Unsupported),
        ({"_rtype": "set", "_rvalue": 1}, Invalid),
    ],
)
def test_marked_values_are_checked(fields, error):
    with pytest.raises(error):
        revive(fields)


def test_marks_nobody_knows_pass_through():
    assert revive({"_rtype": "mine", "n": {"_rtype": 5}}) == {"_rtype": "mine", "n": {"_rtype": 5}}


def test_a_client_function_goes_back_as_it_came():
    described = {"_rtype": "method", "_rtarget": "c", "_rmethod": "s.f", "_rpromise": "*"}
    assert to_wire({"f": revive(described)}) == {"f": described}


@given(st.dictionaries(st.text() | st.just("_rtype"), plain | st.sampled_from(["ndarray", "set", "method", "error"])))
def test_marked_maps_of_any_content_are_read_or_refused(value):
    with contextlib.suppress(Invalid, Unsupported):
        revive([value])


@pytest.mark.parametrize("interval", [math.nan, math.inf, -1, 0, "x", None, True, 10**30])
def test_heartbeats_keep_to_sane_intervals(interval):
    payload = frames.Payload(promise={"interval": interval})
    assert 0.1 <= payload.heartbeat_seconds <= 30


@pytest.mark.parametrize(
    ("text", "kind"),
    [('{"type":"ping"}', "ping"), ("{", ""), ("[1]", ""), ('{"type": 1}', ""), (f'{{"type":"{"p" * 2000}"}}', "")],
)
def test_control_frames_are_short_json_maps(text, kind):
    assert frames.control_type(text) == kind
