"""The README's example, fired at the service. `python -m tests.readme` brings the answer shown up to date."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
_JSON_BLOCK = re.compile(r"```json\n(.*?)```", flags=re.DOTALL)

_TOKEN = re.compile(r"/forms/.*")


def blocks(language: str) -> list[str]:
    """The README's code blocks in one language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def fire() -> Any:
    """The answer to the README's curl."""
    from cds_service.app import create_app
    from cds_service.settings import Settings

    words = shlex.split(next(block for block in blocks("sh") if block.startswith("curl")))
    path = next(word for word in words if word.startswith("http")).removeprefix("http://127.0.0.1:8000")
    body = (ROOT / words[words.index("--data") + 1].removeprefix("@")).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/decisions.sqlite3")
        response = create_app(settings).test_client().post(path, data=body, content_type="application/json")
        assert response.status_code == 200
        answer = response.get_json()
    for card in answer["cards"]:
        for link in card.get("links", ()):
            link["url"] = _TOKEN.sub("/forms/…", link["url"])  # signed anew for each call
    return answer


def shown(answer: Any) -> list[str]:
    """The two blocks as the README shows them: the extension, one part a line, and the card."""
    extension = answer["systemActions"][0]["resource"]["extension"][-1]
    parts = ",\n    ".join(json.dumps(part, ensure_ascii=False) for part in extension["extension"])
    url = json.dumps(extension["url"])
    card = json.dumps(answer["cards"][0], indent=2, ensure_ascii=False)
    return [f'{{\n  "url": {url},\n  "extension": [\n    {parts}\n  ]\n}}\n', card + "\n"]


if __name__ == "__main__":
    texts = iter(shown(fire()))
    current = README.read_text(encoding="utf-8")
    README.write_text(_JSON_BLOCK.sub(lambda _: f"```json\n{next(texts)}```", current), encoding="utf-8")
    sys.stdout.write("README.md: the answer shown is the answer given\n")
