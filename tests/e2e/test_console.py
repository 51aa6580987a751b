"""The console in the real browser: enrol, search, follow a request, check a proof."""

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import Server, running
from tests.e2e.test_main_job import access_log

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("data")) as found:
        log = access_log(tmp_path_factory.mktemp("logs") / "access.log", 120)
        found.run("ingest", "--format", "combined", str(log))
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture(scope="module")
def page(server: Server, browser: "playwright.Browser") -> "playwright.Page":
    """A signed-in page; whatever the page logs as an error fails the test that caused it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
    page.goto(server.ready["enrol_url"])
    page.get_by_label("Name").fill("auditor.one")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Enrol").click()
    page.get_by_role("heading", name="Records").wait_for()
    # Before the session there is none to find; that one answer is expected.
    page.errors.clear()
    return page


def test_the_code_leaves_the_address_bar_and_works_once(
    server: Server, page: "playwright.Page", browser: "playwright.Browser"
) -> None:
    assert "code=" not in page.url
    other = browser.new_context().new_page()
    other.goto(server.ready["enrol_url"])
    other.get_by_label("Name").fill("intruder")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Enrol").click()
    other.get_by_role("alert").wait_for()
    assert not other.get_by_role("heading", name="Records").is_visible()


def test_search_narrows_the_table(page: "playwright.Page") -> None:
    page.get_by_label("Filters").fill("outcome=denied")
    page.get_by_role("button", name="Search").click()
    playwright.expect(page.get_by_text("40 records")).to_be_visible()
    outcomes = page.locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert set(outcomes) == {"denied"}


def test_a_bad_filter_is_explained(page: "playwright.Page") -> None:
    page.get_by_label("Filters").fill("no_such_field=1")
    page.get_by_role("button", name="Search").click()
    assert "no_such_field" in page.get_by_role("alert").inner_text()
    page.errors.clear()


def test_a_record_shows_its_answers_and_its_proof(page: "playwright.Page") -> None:
    page.get_by_label("Filters").fill("outcome=denied")
    page.get_by_role("button", name="Search").click()
    page.locator("tbody tr td a").first.click()
    page.get_by_text("Proven: this record stands unaltered").wait_for()
    assert page.locator(".steps li").count() == 6
    assert page.locator(".steps li.failed").count() == 0
    for question in ("Who", "What", "When", "Where", "Outcome"):
        assert page.get_by_role("heading", name=question, exact=True).is_visible()
    assert page.errors == []


@pytest.mark.parametrize("damage", ["seed", "leaf", "path", "checkpoint", "index", "slots"])
def test_a_forged_proof_is_not_proven(page: "playwright.Page", damage: str) -> None:
    def forge(route: "playwright.Route") -> None:
        answer = route.fetch()
        proof = answer.json()
        line = json.loads(proof["line"])
        if damage == "seed":
            line["seed"] = secrets.token_hex(16)
        elif damage == "leaf":
            line["leaf"] = line["leaf"].replace('"denied"', '"ok"')
        elif damage == "slots":
            line["slots"]["detail"] = {"route": "/elsewhere"}
        elif damage == "path":
            proof["path"][0] = secrets.token_hex(32)
        elif damage == "index":
            proof["index"] += 1
        else:
            head, size, root, *rest = proof["checkpoint"].split("\n")
            proof["checkpoint"] = "\n".join([head, size, root[::-1], *rest])
        proof["line"] = json.dumps(line, separators=(",", ":"))
        route.fulfill(response=answer, json=proof)

    page.route("**/proof", forge)
    page.reload()
    page.get_by_text("Not proven.").wait_for()
    page.unroute("**/proof")
    page.errors.clear()


def test_live_tail_shows_new_records(
    server: Server, page: "playwright.Page", tmp_path: Path
) -> None:
    page.goto(server.ready["console_url"] + "#/records")
    page.get_by_label("Filters").fill("status_code=404")
    page.get_by_role("button", name="Live tail").click()
    page.get_by_text("Live; newest").wait_for()
    rows = page.locator("tbody tr")
    playwright.expect(rows).to_have_count(40)
    server.run("ingest", "--format", "combined", str(access_log(tmp_path / "more.log", 9)))
    playwright.expect(rows).to_have_count(43, timeout=5000)
    page.get_by_role("button", name="Live tail").click()


def test_the_page_obeys_its_own_policy(server: Server, page: "playwright.Page") -> None:
    answer = page.request.get(server.ready["console_url"])
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.errors == []


def test_shake128_in_the_browser_is_the_standards(page: "playwright.Page") -> None:
    seed = secrets.token_bytes(16)
    found = page.evaluate(
        """async (digits) => {
            const { shake128 } = await import("/console/static/shake128.js");
            const input = Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
            return Array.from(shake128(input, 96));
        }""",
        seed.hex(),
    )
    assert bytes(found) == hashlib.shake_128(seed).digest(96)


def test_nothing_is_cut_on_a_narrow_screen(page: "playwright.Page") -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    page.set_viewport_size({"width": 1280, "height": 900})


def test_everything_is_reached_by_keyboard(server: Server, page: "playwright.Page") -> None:
    page.goto(server.ready["console_url"] + "#/streams")
    page.reload()
    page.get_by_role("heading", name="Streams").wait_for()
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
    assert {"Records", "Streams", "Log out"} <= reached
