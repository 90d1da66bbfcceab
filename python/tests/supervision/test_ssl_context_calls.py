"""When the hook ssl_context and `ssl_context_factory` of `run()` are called, and what is left of a call."""

from __future__ import annotations

import os
import re
import signal
import ssl
import sys
import time

import pytest
from context_kit import HOOK, OLD, PLAIN, ask, encrypt, hook
from running import until
from tls import needs_openssl

pytestmark = needs_openssl


def test_files_are_found_where_the_service_works(rustcorn, site, tmp_path):
    own = "context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n"
    own += "    context.load_cert_chain('cert.pem', 'key.pem')\n"
    text = f'import ssl\nchdir = "site"\ncertfile = "cert.pem"\n{HOOK}{own}    return context\n'
    (tmp_path / "conf.py").write_text(text)
    server = rustcorn("hello:app", "-c", "conf.py", cwd=tmp_path)
    assert ask(server, site)[2].startswith("hello ")
    server.reload()
    assert ask(server, site)[2].startswith("hello ")


def test_a_reload_calls_it_again(serve, site):
    server = serve(PLAIN + HOOK + "return default_ssl_context_factory()\n")
    assert ask(server, site, **OLD)[0] == "TLSv1.2"
    newer = "context = default_ssl_context_factory()\n    context.options |= ssl.OP_NO_TLSv1_2\n    return context\n"
    (site / "gunicorn.conf.py").write_text(PLAIN + HOOK + newer)
    server.reload()
    with pytest.raises(ssl.SSLError):
        ask(server, site, **OLD)
    (site / "gunicorn.conf.py").write_text(PLAIN + HOOK + "return 1 / 0\n")
    server.signal(signal.SIGHUP)
    server.wait_for(r"ssl_context failed: ZeroDivisionError: division by zero")
    assert ask(server, site)[0] == "TLSv1.3"
    with pytest.raises(ssl.SSLError):
        ask(server, site, **OLD)


def test_without_a_certificate_it_is_not_called(rustcorn, site):
    (site / "gunicorn.conf.py").write_text(HOOK + "return 1 / 0\n")
    server = rustcorn("hello:app", cwd=site)
    assert "ssl_context (gunicorn.conf.py:1) has no effect without certfile" in server.log


def test_run_takes_a_factory_as_uvicorn_does(rustcorn, site):
    program = site / "serve.py"
    program.write_text(
        """
import ssl
import rustcorn


def context(config, default):
    print("before:", config.ssl_certfile, config.limit_concurrency)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


if __name__ == "__main__":
    rustcorn.run("hello:app", host="127.0.0.1", port=0, limit_concurrency=77, ssl_context_factory=context)
"""
    )
    server = rustcorn(str(program), cwd=site, program=(sys.executable,), port=False)
    assert "before: None 77" in server.log
    assert ask(server, site)[2].startswith("hello ")
    with pytest.raises(ssl.SSLError):
        ask(server, site, **OLD)


def test_the_default_context_of_run_wants_a_certificate(failing, site):
    program = site / "serve.py"
    program.write_text(
        "import rustcorn\nrustcorn.run('hello:app', port=0, ssl_context_factory=lambda config, default: default())\n"
    )
    code, log = failing(str(program), cwd=site, program=(sys.executable,), port=False)
    said = f"{program}:2:1: ssl_context_factory wants the default context, which cannot be made: there is no certfile"
    assert code == 1 and said in log, log


#: What keeps a file open, and tells which it is.
KEEP = "kept = open('kept', 'a'); print('kept as', kept.fileno(), flush=True)"


def sees_its_file(server, site) -> None:
    """The file of the hook is the worker's too, and the worker hears its arbiter."""
    number = server.wait_for(r"kept as (\d+)")[1]
    (worker,) = server.workers()
    assert os.readlink(f"/proc/{worker}/fd/{number}") == str(site / "kept")
    assert ask(server, site)[2].startswith("hello ")
    begun = time.monotonic()
    server.signal(signal.SIGTERM)
    # One that does not hear it has half a minute.
    assert server.ended() == 0 and time.monotonic() - begun < 5


def test_what_the_hook_opens_stays_open_in_workers(serve, site):
    sees_its_file(serve(hook(f"global kept; {KEEP}")), site)


def test_what_the_factory_of_run_opens_stays_open_in_workers(rustcorn, site):
    program = site / "serve.py"
    program.write_text(
        f"""
import rustcorn


def context(config, default):
    global kept
    {KEEP}
    return default()


rustcorn.run("hello:app", port=0, certfile="cert.pem", keyfile="key.pem", ssl_context_factory=context)
"""
    )
    sees_its_file(rustcorn(str(program), cwd=site, program=(sys.executable,), port=False), site)


def test_threads_and_delay_are_told(serve, site):
    text = hook(
        "import threading, time",
        "threading.Thread(target=time.sleep, args=[60], name='fetcher', daemon=True).start()",
        "time.sleep(1.1)",
    )
    server = serve(text)
    server.wait_for(r"The hook ssl_context has started threads \(fetcher\)")
    long = server.wait_for(r"WARNING\] The hook ssl_context took 1\.\d s: it runs in the arbiter.*")[0]
    assert "belongs into whatever writes the files" in long and "post_fork" not in long
    assert ask(server, site)[2].startswith("hello ")


def test_a_context_may_be_kept_between_reloads(serve, site):
    """With other passwords each time: those of keys that it has loaded before are forgotten."""
    encrypt(site, "one")
    kept = """
    import sys
    context = getattr(sys, "kept_context", None)
    if context is None:
        context = sys.kept_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "secret.pem", open("password").read())
    return context
"""
    (site / "password").write_text("one")
    server = serve(PLAIN + HOOK + kept)
    assert ask(server, site)[2].startswith("hello ")
    encrypt(site, "two")
    (site / "password").write_text("two")
    server.reload()
    assert ask(server, site)[2].startswith("hello ")


def test_the_class_is_as_it_was_after_a_call(serve, site):
    """Also after one that has failed; but what the hook has patched stays patched."""
    text = """
import os, ssl, sys
sys.before = getattr(sys, "before", None) or dict(vars(ssl.SSLContext))


def patch():
    def load_cert_chain(self, *args, _method=ssl.SSLContext.load_cert_chain, **kwargs):
        return _method(self, *args, **kwargs)
    ssl.SSLContext.load_cert_chain = load_cert_chain


def on_reload(server):
    now = dict(vars(ssl.SSLContext))
    print("changed:", [name for name in {*now, *sys.before} if now.get(name) is not sys.before.get(name)], flush=True)


"""
    server = serve(text + hook("if os.path.exists('fail'): 1 / 0", "if os.path.exists('patch'): patch()"))
    (site / "fail").touch()
    server.signal(signal.SIGHUP)
    server.wait_for("Reload refused")
    (site / "fail").unlink()
    server.reload()
    (site / "patch").touch()
    server.reload()
    assert re.findall(r"changed: (.*)", server.log) == ["[]", "['load_cert_chain']"]
    assert ask(server, site)[2].startswith("hello ")


def test_what_the_arbiter_tells_itself_is_not_told_by_the_hook(failing, site):
    (site / "gunicorn.conf.py").write_text(hook())
    code, log = failing("hello:app", "--chdir", "/nonexistent", cwd=site)
    assert code == 1 and "cannot change to the directory /nonexistent (option `chdir`)" in log
    assert "Traceback" not in log and "ssl_context" not in log
