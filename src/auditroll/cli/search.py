"""`auditroll search`: find records."""

import argparse
import sys
from typing import Any

from auditroll.cli.client import Client, add_connection, connect
from auditroll.cli.output import print_json, print_table

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
COLUMNS = ("timestamp", "outcome", "action_type", "service_name", "user_id", "resource_id", "route")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_connection(parser)
    parser.add_argument(
        "filters",
        nargs="*",
        metavar="FIELD=VALUE",
        help="also != >= <= > < and ^= (begins with)",
    )
    parser.add_argument("--tenant", help="the tenant (default: the token's)")
    parser.add_argument("--from", dest="since", metavar="TIME", help="first instant, ISO 8601 UTC")
    parser.add_argument("--to", dest="until", metavar="TIME", help="first instant after the range")
    parser.add_argument("--trace", metavar="REQUEST_ID", help="every record of one request")
    parser.add_argument("--oldest-first", action="store_true")
    parser.add_argument("--limit", type=int, default=50, help="rows at most; 0: all of them")
    parser.epilog = "Example: auditroll search outcome=denied service_name=records --limit 20"


def run(arguments: argparse.Namespace) -> int:
    """Print the rows found, one JSON object a line with `--json`."""
    found = 0
    for row in _rows(connect(arguments), _query(arguments), arguments.limit):
        found += 1
        if arguments.json:
            print_json(row)
        else:
            if found == 1:
                print("STREAM/INDEX  " + "  ".join(COLUMNS))
            cells = [str(row.get(column, "-")) for column in COLUMNS]
            print_table((f"{row['stream'][:8]}/{row['index']}", *cells), [])
    if not arguments.json:
        print(f"{found} records", file=sys.stderr)
    return 0


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
    options = {"tenant": arguments.tenant, "from": arguments.since, "to": arguments.until}
    return query | {name: value for name, value in options.items() if value}


def _rows(client: Client, query: dict[str, Any], limit: int) -> Any:
    left = limit or sys.maxsize
    while True:
        page = client.post("/v1/records/search", query | {"limit": min(left, 1000)})
        yield from page["rows"]
        left -= len(page["rows"])
        if left <= 0 or not page.get("cursor"):
            return
        query = query | {"cursor": page["cursor"]}
