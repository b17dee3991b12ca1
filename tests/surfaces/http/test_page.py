"""The chat page: small, of one piece, and it shows text as text."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.surfaces.house import an_app, client_of, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=3000",
    "--dump-dom",
]


async def test_the_page_is_one_file_that_loads_nothing_from_elsewhere() -> None:
    async with client_of(an_app()) as client:
        response = await client.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    page = response.text
    assert len(page.splitlines()) < 200
    assert not re.search(r"https?://|src=|@import|innerHTML|insertAdjacentHTML|document\.write|eval\(", page)


@pytest.mark.skipif(CHROMIUM is None, reason="no browser here")
async def test_a_browser_shows_a_session_with_its_text_escaped(tmp_path: Path) -> None:
    said = "<img src=x onerror=document.title='owned'> & co."
    async with serving(an_app("So you say: " + said)) as client:
        await client.post("/agents/assistant/sessions", json={"id": "s 1", "title": "<b>Bold</b>"})
        await client.post("/agents/assistant/sessions/s%201/messages", json={"message": said})
        browser = await asyncio.create_subprocess_exec(
            str(CHROMIUM),
            *FLAGS,
            f"--user-data-dir={tmp_path}",
            f"{client.base_url}#assistant/s%201",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            out, _ = await asyncio.wait_for(browser.communicate(), 60)
        finally:
            if browser.returncode is None:
                browser.kill()
                await browser.wait()
    shown = out.decode()
    escaped = "&lt;img src=x onerror=document.title='owned'&gt; &amp; co."
    assert f'<p class="user">{escaped}</p>' in shown
    assert f'<p class="assistant">So you say: {escaped}</p>' in shown
    assert "&lt;b&gt;Bold&lt;/b&gt;</button>" in shown
    assert "<title>sessionful</title>" in shown
