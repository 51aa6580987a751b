"""`auditroll search`: find records."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from auditroll.cli.client import Client, add_connection, connect
from auditroll.cli.output import Table, print_json

OPERATORS = ("!=", ">=", "<=", "^=", "=", ">", "<")
NAMES = {
    "=": "eq",
    "!=": "ne",
    ">=": "gte",
    "<=": "lte",
    ">": "gt",
    "<": "lt",
    "^=": "prefix",
}
# Widths that most values fit, so that rows line up although the next page is not known yet.
COLUMNS = {
    "timestamp": 24,
    "outcome": 14,
    "action_type": 11,
    "service_name": 16,
    "user_id": 34,
    "resource_id": 42,
    "route": 0,
}
PLACE = 16
PAGE = 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.add_argument(
        "filters",
        nargs="*",
        metavar="FIELD=VALUE",
        help="also != >= <= > < and ^= (begins with)",
    )
    parser.add_argument("--from", dest="since", metavar="TIME", help="first instant, ISO 8601 UTC")
    parser.add_argument("--to", dest="until", metavar="TIME", help="first instant after the range")
    parser.add_argument("--trace", metavar="REQUEST_ID", help="every record of one request")
    parser.add_argument("--oldest-first", action="store_true")
    parser.add_argument("--limit", type=int, default=50, help="rows at most; 0: all of them")
    parser.epilog = "Example: auditroll search outcome=denied service_name=records --limit 20"


def run(arguments: argparse.Namespace) -> int:
    """Print the rows found, one JSON object a line with `--json`."""
    query = _query(arguments)
    table = Table((PLACE, *COLUMNS.values()))
    found, unreadable = 0, list[str]()
    for row in _rows(connect(arguments), query, arguments.limit, unreadable):
        if arguments.json:
            print_json(row)
        else:
            if not found:
                table.print(("STREAM/INDEX", *(name.upper() for name in COLUMNS)))
            cells = [str(row.get(column, "-")) for column in COLUMNS]
            table.print((f"{row['stream'][:8]}/{row['index']}", *cells))
        found += 1
    for place in unreadable:
        print(f"auditroll: not searched, because it cannot be read: {place}", file=sys.stderr)
    if not arguments.json:
        print(f"{found:,} records", file=sys.stderr)
    return 1 if unreadable else 0


def parse_filter(text: str) -> dict[str, str]:
    """Return the filter that `FIELD=VALUE` stands for.

    Raises:
        SystemExit: No operator is in the text (usage error).
    """
    for operator in OPERATORS:
        field, found, value = text.partition(operator)
        if found and field.replace("_", "").isalnum():
            return {"field": field, "op": NAMES[operator], "value": value}
    print(f"auditroll search: {text!r} is not FIELD=VALUE", file=sys.stderr)
    raise SystemExit(3)


def _query(arguments: argparse.Namespace) -> dict[str, Any]:
    filters = [parse_filter(text) for text in arguments.filters]
    if arguments.trace:
        filters.append({"field": "request_id", "op": "eq", "value": arguments.trace})
    query: dict[str, Any] = {
        "filters": filters,
        "order": "oldest" if arguments.oldest_first else "newest",
    }
    options = {"from": arguments.since, "to": arguments.until}
    return query | {name: value for name, value in options.items() if value}


def _rows(
    client: Client, query: dict[str, Any], limit: int, unreadable: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield rows, page after page; what could not be searched goes to `unreadable`."""
    left = limit or sys.maxsize
    while True:
        page = client.post("/v1/records/search", query | {"limit": min(left, PAGE)})
        for gap in page["unreadable"]:
            place = f"stream {gap['stream']} records {gap['range']} [{gap['code']}]"
            if place not in unreadable:
                unreadable.append(place)
        yield from page["rows"]
        left -= len(page["rows"])
        if left <= 0 or not page.get("cursor"):
            return
        query = query | {"cursor": page["cursor"]}
