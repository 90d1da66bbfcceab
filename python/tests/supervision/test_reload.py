"""`reload`, and memory that grows."""

from __future__ import annotations

import re
import shutil
import threading
from pathlib import Path

import httpx
import pytest
from running import until

APPS = Path(__file__).parent / "apps"
APP = "import part\n\nasync def app(scope, receive, send):\n    assert scope['type'] == 'http'\n" + (
    "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
    "    await send({'type': 'http.response.body', 'body': part.text.encode()})\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "main.py").write_text(APP)
    (folder / "part.py").write_text("text = 'one'\n")
    return folder


def says(server, text: str) -> None:
    until(f"it says {text}", lambda: httpx.get(server.url).text == text, lambda: server.log)


def test_a_change_reloads_and_a_broken_one_keeps_the_old(rustcorn, folder):
    server = rustcorn("main:app", "--reload", cwd=folder)
    says(server, "one")
    (folder / "part.py").write_text("text = 'two'\n")
    says(server, "two")
    (folder / "part.py").write_text("text = (\n")
    server.wait_for("Reload abandoned")
    says(server, "two")
    assert server.log.count("Exception in worker process") == 1
    assert len(re.findall(r"part\.py\", line 1", server.log)) == 1
    (folder / "part.py").write_text("text = 'three'\n")
    says(server, "three")


def test_other_files_do_not_count_unless_they_are_told(rustcorn, folder):
    (folder / "page.html").write_text("")
    server = rustcorn("main:app", "--reload", "--reload-include", "*.html", cwd=folder)
    (folder / "data").mkdir()
    (folder / "data/upload.txt").write_text("x")
    (folder / "venv").mkdir()
    (folder / "page.html").write_text("x")
    server.wait_for("page.html changed")
    server.wait_for("Reload done")
    assert "upload.txt changed" not in server.log and "data changed" not in server.log


def test_imported_files_elsewhere_are_watched(rustcorn, folder, tmp_path):
    (tmp_path / "lib").mkdir()
    shutil.move(folder / "part.py", tmp_path / "lib/part.py")
    (folder / "main.py").write_text(f"import sys\nsys.path.append({str(tmp_path / 'lib')!r})\n" + APP)
    server = rustcorn("main:app", "--reload", cwd=folder)
    for text in ("two", "three"):
        (tmp_path / "lib/part.py").write_text(f"text = {text!r}\n")
        says(server, text)


def test_any_number_of_imported_files_is_watched(rustcorn, folder, tmp_path):
    names = [f"a_module_with_a_name_that_takes_much_room_in_a_report_to_the_arbiter_{n}" for n in range(1500)]
    (tmp_path / "lib").mkdir()
    for name in names:
        (tmp_path / f"lib/{name}.py").write_text("")
    shutil.move(folder / "part.py", tmp_path / "lib/part.py")
    imports = f"import sys\nsys.path.append({str(tmp_path / 'lib')!r})\n" + "".join(f"import {it}\n" for it in names)
    (folder / "main.py").write_text(imports + APP)
    # The last that is imported is the last that is told.
    server = rustcorn("main:app", "--reload", cwd=folder)
    says(server, "one")
    (tmp_path / "lib/part.py").write_text("text = 'two'\n")
    says(server, "two")


def test_extra_files_and_directories(rustcorn, folder, tmp_path):
    (tmp_path / "extra.json").write_text("")
    (tmp_path / "more").mkdir()
    words = ["--reload-extra-file", str(tmp_path / "extra.json"), "--reload-dir", str(tmp_path / "more")]
    server = rustcorn("main:app", "--reload", *words, cwd=folder)
    (tmp_path / "extra.json").write_text("{}")
    server.wait_for("Reload done")
    (tmp_path / "more/new.py").write_text("")
    server.wait_for("Reload done", count=2)


def test_a_first_start_that_fails_says_so_once(failing, folder):
    (folder / "part.py").write_text("text = (\n")
    code, log = failing("main:app", "--reload", "-w", "2", cwd=folder)
    assert code == 3 and len(re.findall(r"part\.py\", line 1", log)) == 1, log


@pytest.mark.parametrize("app", ["leak:app", "leak:application"])
def test_a_worker_that_grows_is_replaced_without_a_lost_request(rustcorn, app):
    server = rustcorn(app, "--max-rss", "400M", "--timeout", "4", cwd=APPS)
    failures: list[object] = []
    stop = threading.Event()

    def load() -> None:
        with httpx.Client() as client:
            while not stop.is_set():
                try:
                    if client.get(server.url).status_code != 200:
                        failures.append("status")
                except httpx.HTTPError as error:
                    failures.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        server.wait_for(r"Autorestarting worker .*max_rss")
        server.wait_for(r" ready \(pid", count=2)
        server.wait_for("it was asked to leave")
    finally:
        stop.set()
        thread.join()
    assert not failures
