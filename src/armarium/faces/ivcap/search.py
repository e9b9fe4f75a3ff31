"""Search: a question in Datalog, and what answers it."""

from armarium.core import Core
from armarium.domain.datalog import MAX_LENGTH, parse_question
from armarium.domain.errors import Invalid
from armarium.domain.principal import Principal
from armarium.faces.http.parameters import Call
from armarium.faces.http.rest import Operation
from armarium.faces.http.streaming import read_body
from armarium.faces.ivcap.errors import BadRequest, WrongMediaType
from armarium.faces.ivcap.mapping import JSON, moment_of, time_text
from armarium.faces.ivcap.schemas import Link, SearchQuery, SearchResult

DATALOG = "application/datalog+mangle"


class SearchOperations:
    """What can be asked of everything at once."""

    def __init__(self, core: Core) -> None:
        self._search = core.statement_search

    def operations(self) -> list[Operation]:
        return [
            Operation(method="POST", path="/1/search", handler=self.search, fails=(400, 413, 415, 422), takes=DATALOG)
        ]

    async def search(self, who: Principal, query: SearchQuery, call: Call) -> SearchResult:
        """Answer a question about artifacts and aspects."""
        if (call.header("content-type") or "").partition(";")[0].strip().lower() != DATALOG:
            raise WrongMediaType(f"The Content-Type must be {DATALOG}.")
        at = moment_of("at-time", query.at_time)
        text = await read_body(call.receive, 4 * MAX_LENGTH)
        try:
            found = await self._search.ask(who, parse_question(text.decode()), at=at, limit=query.limit)
        except UnicodeDecodeError:
            raise BadRequest("query", "The query must be text in UTF-8.") from None
        except Invalid as error:
            raise BadRequest(error.field, error.reason) from None
        return SearchResult(items=found.items, links=[Link("self", JSON, "/1/search")], at_time=time_text(found.at))
