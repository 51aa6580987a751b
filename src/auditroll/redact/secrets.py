"""What opens a door: credentials by their issuer's form, by their scheme, or by their name."""

import re
from collections.abc import Iterator
from typing import Final

from auditroll.redact import shapes
from auditroll.redact.detector import Detector, Hit
from auditroll.redact.keys import kind_of_key

__all__ = ["SECRETS"]

# Issuer and form of its keys; all are reported as one kind.
_ISSUERS: Final[tuple[tuple[str, str], ...]] = (
    ("age", r"AGE-SECRET-KEY-1[0-9A-Z]+"),
    ("airtable", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("anthropic, openai, openrouter", r"sk-[A-Za-z0-9_-]{20,}"),
    ("auditroll", r"ark_[A-Za-z0-9_-]{43}"),
    ("aws", r"(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA)[A-Z0-9]{16}"),
    ("azure storage", r"AccountKey=[A-Za-z0-9+/]{40,}=*"),
    ("databricks", r"dapi[0-9a-f]{32}"),
    ("digitalocean", r"do[opr]_v1_[0-9a-f]{64}"),
    ("discord webhook", r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]+"),
    ("github", r"gh[pousr]_[A-Za-z0-9]{20,}"),
    ("github fine-grained", r"github_pat_[A-Za-z0-9_]{20,}"),
    ("gitlab", r"gl(?:pat|dt|rt|cbt|ptt|oas|soat)-[A-Za-z0-9_.-]{20,}"),
    ("google api key", r"AIza[0-9A-Za-z_-]{35}"),
    ("google oauth", r"ya29\.[0-9A-Za-z_-]{20,}"),
    ("google oauth client", r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    ("grafana", r"gl(?:sa|c)_[A-Za-z0-9+/_=]{20,}"),
    ("groq", r"gsk_[A-Za-z0-9]{20,}"),
    ("hashicorp vault", r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    ("hugging face", r"(?:hf|api_org)_[A-Za-z]{30,}"),
    ("linear", r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}"),
    ("mailgun", r"key-[0-9a-f]{32}"),
    ("new relic", r"NRAK-[A-Z0-9]{20,}"),
    ("notion", r"ntn_[A-Za-z0-9]{20,}"),
    ("npm", r"npm_[A-Za-z0-9]{30,}"),
    ("perplexity", r"pplx-[A-Za-z0-9]{20,}"),
    ("postman", r"PMAK-[A-Za-z0-9]{20,}-[A-Za-z0-9]{20,}"),
    ("pypi", r"pypi-[A-Za-z0-9_-]{40,}"),
    ("replicate", r"r8_[A-Za-z0-9]{30,}"),
    ("sendgrid", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    ("sentry", r"sntry[su]_[A-Za-z0-9+/=_]{20,}"),
    ("shopify", r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}"),
    ("slack", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}"),
    ("slack app", r"xapp-[0-9]-[A-Za-z0-9-]{10,}"),
    ("slack webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]+"),
    ("square", r"sq0[a-z]{3}-[0-9A-Za-z_-]{20,}"),
    ("stripe", r"(?:[sr]k_(?:live|test|prod)|whsec)_[A-Za-z0-9]{10,}"),
    ("supabase", r"sbp_[0-9a-f]{40}"),
    ("teams webhook", r"webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]+"),
    ("telegram", r"(?:bot)?[0-9]{8,10}:A[A-Za-z0-9_-]{34}"),
    ("terraform", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    ("twilio", r"SK[0-9a-f]{32}"),
    ("xai", r"xai-[A-Za-z0-9]{40,}"),
)

_VALUE: Final = (
    r"""(?P<v>"[^"\x1e]*"|'[^'\x1e]*'"""
    r"""|(?:(?:bearer|basic|digest|token) +)?[^\s"',;&<>)\]}\x1e]+)"""
)
_NAMES: Final = (
    "passw|passphrase|pwd|secret|token|api[_-]?key|auth|credential|session|signature"
    "|private[_-]?key|access[_-]?key|cookie|otp|pin|cvv|cvc"
)
_KEY: Final = re.compile(r"([A-Za-z0-9_.-]+)[\"']?\s*(?::|=>?)\s*$")
_LONGEST_KEY: Final = 96


def _named(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept the value of a key whose words name a secret; `tokens_in=5` is none."""
    found = _KEY.search(hit.text[max(0, hit.start - _LONGEST_KEY) : hit.start])
    if found is None or kind_of_key(found[1]) is None:
        return
    quote = hit.value[0] in "\"'"
    if any(map(str.isalnum, hit.value)):
        yield hit.start + quote, hit.end - quote


SECRETS: Final[tuple[Detector, ...]] = (
    Detector(
        "PRIVATE_KEY",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----"
        r"(?:[^\x1e-]*(?:-----END [A-Z0-9 ]*-----)|[^\x1e]*)",
    ),
    Detector("JWT", r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]*"),
    *(Detector("SECRET", form, shapes.unglued) for _, form in _ISSUERS),
    Detector("BEARER", r"(?i)\bbearer[ :=]+(?P<v>[A-Za-z0-9._~+/=-]+)", shapes.bearer_value),
    Detector("BASIC_AUTH", r"(?i)\bbasic +(?P<v>[A-Za-z0-9+/]+=*)", shapes.basic_value),
    Detector(
        "URL_CREDENTIALS",
        r"""[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s/?#"'<>\x1e]+|[^\s:/"'<>\x1e]*:[^\s"'<>\x1e]+)"""
        r"""@[^\s"'<>\x1e]+""",
        shapes.url_credentials,
    ),
    Detector("URL", r"""[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>\x1e]+""", shapes.url),
    Detector("SECRET", r"(?i)\bcookie[\"']?\s*[:=]\s*[\"']?(?P<v>[^\r\n\"\x1e]+)"),
    Detector(
        "SECRET",
        rf"(?i)[a-z0-9_.-]*(?:{_NAMES})[a-z0-9_.-]*[\"']?\s*(?::|=>?)\s*{_VALUE}",
        _named,
    ),
)
