"""An application that cannot be had ends the first start: 3 if its import failed, 4 if it is not in its module."""

from __future__ import annotations

from pathlib import Path

import pytest

APPS = Path(__file__).parent / "apps"


@pytest.mark.parametrize("words", [[], ["-w", "4"]])
def test_a_failing_import_is_shown_once_with_its_traceback(failing, words):
    code, log = failing("broken:app", *words, cwd=APPS)
    assert code == 3, log
    assert log.count("Traceback (most recent call last)") == 1
    assert 'broken.py", line 5, in read_settings' in log and "KeyError: 'DATABASE_URL'" in log
    assert "importlib" not in log and "_app.py" not in log
    assert "The application cannot start: the application cannot be imported: KeyError" in log


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("nowhere:app", "ModuleNotFoundError: No module named 'nowhere'"),
        ("app.nowhere:app", "ModuleNotFoundError: No module named 'app.nowhere'"),
        ("nonsense:app", "SyntaxError: invalid syntax"),
        ("leaves:app", "SystemExit: no licence"),
        ("shop:fails()", "ValueError: the database is not there"),
    ],
)
def test_a_module_that_fails_is_a_failed_boot(failing, app, said):
    code, log = failing(app, cwd=APPS)
    assert code == 3, log
    assert said in log


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["main:ap"], "main has no attribute ap; did you mean app?"),
        (["shop:holder.outer"], "shop.holder has no attribute outer"),
        (["shop"], "shop has neither application nor app; name the application, as in shop:NAME"),
        (["shop:number"], "shop:number is an int, which cannot be called"),
        (["shop:create_app("], "is neither a name nor a call"),
        (["shop:create_app(stage)"], "are no literals"),
        (["shop:create_app(**{})"], "are no literals"),
        (["shop:holder[0]"], "is neither a name nor a call"),
        (["shop:needs_one()"], "cannot be called like this: missing a required argument: 'stage'"),
        (["shop:needs_one", "--factory"], "cannot be called like this"),
        (["shop:returns_nothing()"], "returned None instead of an application"),
        (["shop:create_app()", "--factory"], "is a call already"),
        (["main.py:app"], "main.py is a file; name the module, as in main:app"),
        (["main:app", "-k", "sync"], "main:app is an ASGI application, and the settings say WSGI"),
        (["shop:create_app()", "-k", "uvicorn.workers.UvicornWorker"], "is a WSGI application"),
    ],
)
def test_an_application_that_is_not_in_its_module(failing, words, said):
    code, log = failing(*words, cwd=APPS)
    assert code == 4, log
    assert said in log and "Traceback" not in log


def test_where_modules_are_looked_for(rustcorn, tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    source = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'{}']\n"
    (tmp_path / "twice.py").write_text(source.format("cwd"))
    (tmp_path / "first" / "twice.py").write_text(source.format("first"))
    (tmp_path / "second" / "only.py").write_text(source.format("second"))
    import httpx

    assert httpx.get(rustcorn("twice:app", cwd=tmp_path).url).text == "cwd"
    both = ["--pythonpath", "first, second"]
    assert httpx.get(rustcorn("twice:app", *both, cwd=tmp_path).url).text == "first"
    assert httpx.get(rustcorn("only:app", *both, cwd=tmp_path).url).text == "second"
    assert httpx.get(rustcorn("only:app", "--app-dir", "second", cwd=tmp_path).url).text == "second"
    assert httpx.get(rustcorn("twice:app", "--chdir", "first", cwd=tmp_path).url).text == "first"


def test_a_broken_module_does_not_stop_a_server_that_runs(rustcorn, tmp_path):
    import signal

    import httpx

    good = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'good']\n"
    (tmp_path / "site_app.py").write_text(good)
    server = rustcorn("site_app:app", "-w", "2", cwd=tmp_path)
    for round_ in (1, 2):
        (tmp_path / "site_app.py").write_text("raise OSError('no disk')\n")
        server.signal(signal.SIGHUP)
        server.wait_for("Reload abandoned", round_)
        assert httpx.get(server.url).text == "good"
    # Once in each attempt.
    assert server.log.count("Traceback (most recent call last)") == 2
    (tmp_path / "site_app.py").write_text(good.replace("b'good'", "b'better'"))
    server.signal(signal.SIGHUP)
    server.wait_for(r" ready \(pid:\d+, generation 4")
    from running import until

    until("the new code answers", lambda: httpx.get(server.url).text == "better")


