"""What a client asks of a listing, not looked at yet."""

import msgspec


class Asked(msgspec.Struct, frozen=True):
    """The arguments of `list` and `search`, and of the routes that answer the same."""

    keywords: object = None
    filters: object = None
    mode: object = "AND"
    offset: object = 0
    limit: object = 100
    order_by: object = None
    stage: object = False
    pagination: bool = False
    silent: bool = False
    facets: object = None
    explain: bool = False
    query: object = None
    cursor: object = None
