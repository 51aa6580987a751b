"""Full templates of matched routes, through mounts, included routers and hosts.

A framework leaves the matched route in the scope, but the route knows only its own part of the
template, and the `root_path` that mounts leave behind holds values of the raw path. So the
application's routes are walked once and each is remembered with its full template.
"""

import re
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, Final, NamedTuple

from auditroll.capture.routes import normal_template

__all__ = ["RouteIndex"]

_PARAMETER = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")
_MAX_WRAPPERS: Final = 32
_MAX_UNKNOWN: Final = 1_024

_Scope = MutableMapping[str, Any]


class _Found(NamedTuple):
    """One route: the object the framework shows for it, and its template with convertors."""

    shown: Any
    path: str
    leaf: bool = True


class _Candidate(NamedTuple):
    template: str
    pattern: re.Pattern[str]
    shown: Any  # keeps the object alive, so that its id stays its own


class RouteIndex:
    """Full templates of an application's routes.

    Args:
        app: The application: whatever has `routes`, or wraps in `app` something that has.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._root = ""
        self._known: dict[int, list[_Candidate]] = {}
        # The template of each route object that is reached in one way only.
        self._sure: dict[int, str] = {}
        self._unknown: set[int] = set()
        self._read = False

    def template(self, scope: _Scope, path: str, root: str) -> str | None:
        """Return the full template of the route that took a request; None when none did.

        Args:
            scope: The scope after the application has seen it.
            path: The raw path before.
            root: The `root_path` before.
        """
        if not (root or self._root):
            sure = self._sure.get(id(scope.get("route")))
            if sure is not None:
                return sure
        litestar = scope.get("path_template")
        if litestar is not None:
            return normal_template(root + (litestar or _mounted(scope)))
        root = self._root or root
        for name in ("route", "endpoint"):
            shown = scope.get(name)
            if shown is None:
                continue
            found = _choose(self._candidates(shown), path.removeprefix(root))
            if found is not None:
                return normal_template(root + found) if root else found
        return None

    def templates(self) -> list[str]:
        """Return the template of every route, sorted."""
        self._walk()
        root = self._root
        every = {one.template for many in self._known.values() for one in many}
        return sorted(normal_template(root + template) for template in every)

    def _candidates(self, shown: Any) -> list[_Candidate]:
        key = id(shown)
        known = self._known.get(key)
        if known is None and (not self._read or key not in self._unknown):
            # A route added while the application runs; each unknown object is looked for once.
            self._walk()
            known = self._known.get(key)
            if known is None and len(self._unknown) < _MAX_UNKNOWN:
                self._unknown.add(key)
        return known or []

    def _walk(self) -> None:
        known: dict[int, list[_Candidate]] = {}
        app = _router_of(self._app)
        for found in _routes(getattr(app, "routes", ()), ""):
            many = known.setdefault(id(found.shown), [])
            if found.leaf:
                many.append(_Candidate(normal_template(found.path), _pattern(found.path), found))
        self._known = known
        self._sure = {
            key: many[0].template
            for key, many in known.items()
            if len({one.template for one in many}) == 1
        }
        self._root = str(getattr(app, "root_path", "") or "").rstrip("/")
        self._read = True


def _router_of(app: Any) -> Any:
    """Return the application that has routes, inside whatever wraps it."""
    for _ in range(_MAX_WRAPPERS):
        if hasattr(app, "routes") or not hasattr(app, "app"):
            break
        app = app.app
    return app


def _routes(routes: Iterable[Any], prefix: str) -> Iterator[_Found]:
    for route in routes:
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is not None:
            # FastAPI's included router: each original route with its effective path.
            for context in contexts():
                effective = context.starlette_route or context
                yield from _route(effective, prefix, context.original_route)
        else:
            yield from _route(route, prefix, route)


def _route(route: Any, prefix: str, shown: Any) -> Iterator[_Found]:
    """Yield what one route leads to: itself, or the routes of what is mounted there."""
    path = prefix + str(getattr(route, "path", ""))
    if hasattr(route, "endpoint"):
        for one in (shown, route, route.endpoint):
            yield _Found(one, path)
        return
    if hasattr(route, "path_format") and not hasattr(route, "app"):
        # Litestar shows its templates in the scope; here they only serve `templates`.
        yield _Found(route, prefix + str(route.path_format))
        return
    children = getattr(route, "routes", None) or _children(route)
    if children:
        # Shown alone, a mount means that nothing inside it matched.
        yield _Found(shown, path, leaf=False)
        yield from _routes(children, path)
    elif hasattr(route, "app"):
        for one in (shown, route.app):
            yield _Found(one, f"{path}/{{path:path}}")


def _children(route: Any) -> Any:
    """Return the routes inside a mount or host, also when middleware is wrapped around them."""
    return getattr(_router_of(getattr(route, "app", None)), "routes", None)


def _pattern(path: str) -> re.Pattern[str]:
    pieces: list[str] = []
    end = 0
    for match in _PARAMETER.finditer(path):
        pieces += [re.escape(path[end : match.start()]), ".*" if match[2] == "path" else "[^/]+"]
        end = match.end()
    return re.compile("".join([*pieces, re.escape(path[end:])]), re.DOTALL)


def _choose(candidates: list[_Candidate], path: str) -> str | None:
    """Return the template; by the path only where one route is reached in several ways."""
    if not candidates:
        return None
    first = candidates[0].template
    if all(one.template == first for one in candidates):
        return first
    return next((one.template for one in candidates if one.pattern.fullmatch(path)), None)


def _mounted(scope: _Scope) -> str:
    """Return the template of an application mounted in Litestar, which shows none."""
    paths = sorted(getattr(scope.get("route_handler"), "paths", ()))
    return f"{paths[0].rstrip('/')}/{{path}}" if paths else "/{path}"
