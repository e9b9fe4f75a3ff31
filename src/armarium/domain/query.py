"""A search as a value: parsed by a face, completed by core, turned into SQL by the catalog alone."""

import enum

import msgspec

from armarium.domain.identifiers import ArtifactId

Scalar = str | int | float | bool


class Field(msgspec.Struct, frozen=True):
    """What a condition or an order looks at.

    source: `artifact` for a built-in field (see BUILT_IN), `manifest` or `config` for a path in that JSON.
    path: keys joined with dots; `a.b` finds `{"a": {"b": 1}}` and `{"a.b": 1}` alike.
    """

    source: str
    path: str


TEXT_FIELDS = frozenset({"type", "alias", "workspace", "created_by"})
NUMBER_FIELDS = frozenset({"created_at", "modified_at", "view_count", "download_count"})
BUILT_IN = TEXT_FIELDS | NUMBER_FIELDS | {"id"}
CHILD_COUNT = "child_count"
"""A built-in field to order by alone: how many direct children there are, staged ones included."""


class Equals(msgspec.Struct, frozen=True, tag=True):
    """The field has this value: typed, text case-sensitive; text also equals the number or boolean it spells."""

    field: Field
    value: Scalar


class Matches(msgspec.Struct, frozen=True, tag=True):
    """The text of the field matches a pattern as a whole, ignoring case; `*` is any run of characters.

    elements: the items of an array count, too.
    """

    field: Field
    pattern: str
    elements: bool = False


class MatchesRegex(msgspec.Struct, frozen=True, tag=True):
    """A regular expression is found in the text or the number of the field; of vectors alone. See `domain.regexes`."""

    field: Field
    pattern: str


class ContainsAll(msgspec.Struct, frozen=True, tag=True):
    """The array (or the scalar, seen as an array of one) contains each of these values."""

    field: Field
    values: tuple[Scalar, ...]


class ContainsAny(msgspec.Struct, frozen=True, tag=True):
    """The array (or the scalar, seen as an array of one) contains at least one of these values."""

    field: Field
    values: tuple[Scalar, ...]


class Between(msgspec.Struct, frozen=True, tag=True):
    """The number is within bounds, both inclusive; None leaves a side open."""

    field: Field
    low: float | None
    high: float | None


class Lacks(msgspec.Struct, frozen=True, tag=True):
    """The manifest or config has no scalar and no array element at this path."""

    field: Field


class Keyword(msgspec.Struct, frozen=True, tag=True):
    """The manifest's JSON text contains this text, ignoring case."""

    text: str


class AllOf(msgspec.Struct, frozen=True, tag=True):
    """Every condition holds; an empty one always does."""

    conditions: tuple["Condition", ...]


class AnyOf(msgspec.Struct, frozen=True, tag=True):
    """At least one condition holds; an empty one never does."""

    conditions: tuple["Condition", ...]


class Not(msgspec.Struct, frozen=True, tag=True):
    """The condition does not hold."""

    condition: "Condition"


Condition = (
    Equals | Matches | MatchesRegex | ContainsAll | ContainsAny | Between | Lacks | Keyword | AllOf | AnyOf | Not
)

EVERYTHING = AllOf(())


class Stage(enum.Enum):
    """Which artifacts a listing holds: those with a version, those with a draft, or both."""

    COMMITTED = "committed"
    DRAFTED = "drafted"
    ANY = "any"


class Order(msgspec.Struct, frozen=True):
    """How a listing is sorted. Booleans, then numbers, then text; what lacks the field comes last either way.

    Ties are broken by id, ascending. `id` is the order of creation.
    """

    field: Field = Field("artifact", "id")
    descending: bool = False


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last row of a page. key: its sort key, None where it lacks the field ordered by."""

    key: str | float | None
    id: str


class FacetValue(msgspec.Struct, frozen=True):
    """A value of a field, and how many artifacts have it, be it alone or in an array."""

    value: Scalar
    count: int


class PlanStep(msgspec.Struct, frozen=True):
    """A statement on the way to an answer, its values left out, and what the database means to do, in its words."""

    statement: str
    plan: tuple[str, ...]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which artifacts, in which order, and which part of them.

    parent_id: only direct children of it. parent_ids: of any of these, which share a workspace.
    roots_only: only artifacts without a parent.
    after: continue behind this row; then offset counts from there.
    wants_next: whether the answer should say where the next page starts; who pages by offset does not need it.
    """

    workspace: str | None = None
    parent_id: ArtifactId | None = None
    parent_ids: tuple[ArtifactId, ...] | None = None
    roots_only: bool = False
    stage: Stage = Stage.COMMITTED
    where: Condition = EVERYTHING
    order: Order = Order()
    offset: int = 0
    limit: int = 100
    after: Cursor | None = None
    wants_next: bool = True
