"""Requests that were made before."""

import msgspec

from armarium.adapters.catalog.records.base import Records
from armarium.adapters.catalog.statements import requests as sql
from armarium.ports.requests import KeptAnswer, Request

_headers = msgspec.json.Decoder(dict[str, str])


class RequestWriter(Records):
    async def find_request(self, request_id: str) -> Request | None:
        row = await self._one(sql.find_request, request_id=request_id)
        if row is None:
            return None
        id_, fingerprint, claim, resource_id, expires_at, status, headers, body = row
        answer = None
        if status is not None:
            answer = KeptAnswer(status=status, headers=_headers.decode(headers), body=bytes(body))
        return Request(
            id=id_,
            fingerprint=fingerprint,
            claim=claim,
            resource_id=resource_id,
            expires_at=expires_at,
            answer=answer,
        )

    async def claim_request(self, request: Request, *, now: float) -> str | None:
        row = await self._one(
            sql.claim_request,
            id=request.id,
            fingerprint=request.fingerprint,
            claim=request.claim,
            resource_id=request.resource_id,
            expires_at=request.expires_at,
            now=now,
        )
        return row[0] if row is not None else None

    async def keep_answer(self, request_id: str, claim: str, answer: KeptAnswer | None, *, expires_at: float) -> None:
        await self._change(
            sql.keep_answer,
            answer is not None,
            request_id=request_id,
            held=claim,
            until=expires_at,
            code=answer.status if answer else None,
            fields=msgspec.json.encode(answer.headers).decode() if answer else None,
            content=answer.body if answer else None,
        )

    async def forget_requests(self, *, expired_before: float) -> None:
        await self._change(sql.forget_requests, expired_before=expired_before)
