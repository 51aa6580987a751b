"""The cache: bounded, empty on a new day, forgetful on demand."""

from auditroll.vault.cache import Cache


def put(cache: Cache, *lookups: str, day: int = 1, tenant: str = "clinic") -> None:
    for lookup in lookups:
        cache.put(tenant, "user", day, lookup, f"p_{lookup}")


def test_it_knows_what_it_was_told_on_that_day_only() -> None:
    cache = Cache()
    put(cache, "a")
    assert cache.view("clinic", "user", 1).get("a") == "p_a"
    assert cache.view("clinic", "user", 1).get("b") is None
    assert cache.view("clinic", "user", 2).get("a") is None

    put(cache, "b", day=2)
    put(cache, "c", day=1)
    assert cache.view("clinic", "user", 2).get("b") == "p_b"
    assert cache.view("clinic", "user", 2).get("c") is None


def test_two_generations_bound_it() -> None:
    cache = Cache(limit=2)
    put(cache, "a", "b", "c")
    view = cache.view("clinic", "user", 1)
    assert (view.get("a"), view.get("c")) == ("p_a", "p_c")
    put(cache, "d", "e")
    view = cache.view("clinic", "user", 1)
    assert (view.get("a"), view.get("c"), view.get("e")) == (None, "p_c", "p_e")


def test_it_forgets_in_both_generations_and_only_that_tenants() -> None:
    cache = Cache(limit=2)
    put(cache, "a")
    put(cache, "a", tenant="lab")
    put(cache, "b", "a")
    cache.forget("clinic", "a")
    assert cache.view("clinic", "user", 1).get("a") is None
    assert cache.view("clinic", "user", 1).get("b") == "p_b"
    assert cache.view("lab", "user", 1).get("a") == "p_a"
