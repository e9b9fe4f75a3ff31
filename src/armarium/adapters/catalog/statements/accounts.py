"""Statements about users, workspaces, members, tokens and events."""

from typing import Any

from sqlalchemy import Delete, Insert, Select, Update, bindparam, delete, null, select, update
from sqlalchemy.dialects.postgresql import insert

from armarium.adapters.catalog import tables as t


def find_user() -> Select[Any]:
    u = t.user.c
    return select(u.id, u.email, u.roles, u.created_at).where(u.id == bindparam("user_id"))


def list_users() -> Select[Any]:
    u = t.user.c
    chosen = select(u.id, u.email, u.roles, u.created_at).order_by(u.id)
    return chosen.limit(bindparam("limit")).offset(bindparam("offset"))


def update_user() -> Update:
    changed = update(t.user).where(t.user.c.id == bindparam("user_id"))
    return changed.values(email=bindparam("email"), roles=bindparam("roles")).returning(t.user.c.id)


def insert_user() -> Insert:
    return insert(t.user).on_conflict_do_nothing().returning(t.user.c.id)


_WORKSPACE = tuple(
    t.workspace.c[name] for name in ("name", "title", "description", "owner", "persistent", "created_at")
)


def find_workspace(by_uuid: bool) -> Select[Any]:
    """:name or :uuid, :viewer."""
    of_viewer = (t.member.c.workspace == t.workspace.c.name) & (t.member.c.user_id == bindparam("viewer"))
    return (
        select(*_WORKSPACE, t.member.c.role)
        .select_from(t.workspace.outerjoin(t.member, of_viewer))
        .where(t.workspace.c.uuid == bindparam("uuid") if by_uuid else t.workspace.c.name == bindparam("name"))
    )


def list_workspaces(of_member: bool) -> Select[Any]:
    """All, or those :member belongs to, by name."""
    if of_member:
        joined = t.workspace.join(t.member, t.member.c.workspace == t.workspace.c.name)
        chosen = select(*_WORKSPACE, t.member.c.role).select_from(joined)
        chosen = chosen.where(t.member.c.user_id == bindparam("member"))
    else:
        chosen = select(*_WORKSPACE, null())
    return chosen.order_by(t.workspace.c.name).limit(bindparam("limit")).offset(bindparam("offset"))


def insert_workspace() -> Insert:
    return insert(t.workspace).on_conflict_do_nothing().returning(t.workspace.c.name)


def update_workspace() -> Update:
    changed = update(t.workspace).where(t.workspace.c.name == bindparam("workspace"))
    values: dict[str, Any] = {name: bindparam(name) for name in ("title", "description", "persistent")}
    return changed.values(values).returning(t.workspace.c.name)


def delete_workspace() -> Delete:
    return delete(t.workspace).where(t.workspace.c.name == bindparam("name"))


def delete_tokens_of_workspace() -> Delete:
    return delete(t.token).where(t.token.c.workspace == bindparam("name"))


def memberships() -> Select[Any]:
    m = t.member.c
    return select(m.workspace, m.role).where(m.user_id == bindparam("user_id"))


def list_members() -> Select[Any]:
    m = t.member.c
    return select(m.user_id, m.role).where(m.workspace == bindparam("workspace")).order_by(m.user_id)


def put_member() -> Insert:
    statement = insert(t.member)
    return statement.on_conflict_do_update(
        index_elements=["workspace", "user_id"], set_={"role": statement.excluded.role}
    )


def delete_member() -> Delete:
    m = t.member.c
    return delete(t.member).where(m.workspace == bindparam("workspace"), m.user_id == bindparam("user_id"))


_TOKEN = ("id", "digest", "user_id", "label", "workspace", "role", "scopes", "created_at", "expires_at")


def _tokens() -> Select[Any]:
    return select(*(t.token.c[name] for name in _TOKEN))


def find_token() -> Select[Any]:
    return _tokens().where(t.token.c.digest == bindparam("digest"))


def find_token_by_id() -> Select[Any]:
    return _tokens().where(t.token.c.id == bindparam("token_id"))


def list_tokens() -> Select[Any]:
    return _tokens().where(t.token.c.user_id == bindparam("user_id")).order_by(t.token.c.id.desc())


def insert_token() -> Insert:
    return insert(t.token)


def delete_token() -> Delete:
    return delete(t.token).where(t.token.c.id == bindparam("token_id"))


def find_revocation() -> Select[Any]:
    return select(t.revocation.c.token_id).where(t.revocation.c.token_id == bindparam("token_id"))


def revoke_token() -> Insert:
    statement = insert(t.revocation)
    return statement.on_conflict_do_update(
        index_elements=["token_id"], set_={"expires_at": statement.excluded.expires_at}
    )


# the audit trail

_EVENT = ("at", "workspace", "actor", "action", "artifact_id", "detail")


def add_event() -> Insert:
    return insert(t.event).values({name: bindparam(name) for name in _EVENT})


def list_events(of_workspace: bool, of_artifact: bool) -> Select[Any]:
    e = t.event.c
    chosen = select(*(e[name] for name in _EVENT))
    if of_workspace:
        chosen = chosen.where(e.workspace == bindparam("workspace"))
    if of_artifact:
        chosen = chosen.where(e.artifact_id == bindparam("artifact_id"))
    return chosen.order_by(e.id.desc()).limit(bindparam("limit"))
