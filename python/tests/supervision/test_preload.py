"""`preload_app`: workers that are forked from a process which has the application."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest
from preload_kit import APPS, answer, children, pss, zygotes
from running import Running, until


@pytest.mark.parametrize("app", ["shared:app", "shared:application"])
def test_workers_come_from_one_import_and_are_the_arbiters_children(rustcorn, app):
    server = rustcorn(app, "--preload", "-w", "3", "-e", "GREETING=hey", "--lifespan", "off", cwd=APPS)
    (zygote,) = zygotes(server)
    for _ in range(10):
        imported_by, own, parent, greeting = answer(server)
        assert (int(imported_by), int(parent), greeting) == (zygote, server.pid, "hey")
        assert int(own) in server.workers()
    # A crash is answered from the same import, and is known for what it is.
    victim = server.workers()[0]
    os.kill(victim, signal.SIGKILL)
    server.wait_for(rf"Worker \(pid:{victim}\) was sent SIGKILL!")
    server.wait_for(r" ready \(pid", count=4)
    assert zygotes(server) == [zygote]
    server.signal(signal.SIGTERM)
    assert server.ended() == 0


def test_memory_is_shared(rustcorn):
    total = {}
    for words in ([], ["--preload"]):
        server = rustcorn("shared:app", *words, "-w", "4", "--lifespan", "off", cwd=APPS)
        server.wait_for(r" ready \(pid", count=4)
        for _ in range(20):
            answer(server)
        total[bool(words)] = sum(pss(pid) for pid in [*server.workers(), *zygotes(server)])
        server.end()
    print(f"PSS of 4 workers: {total[False] >> 10} MB, with preload_app {total[True] >> 10} MB, its zygote included")
    assert total[True] < total[False] * 0.6, total


def test_a_reload_takes_new_code(rustcorn, tmp_path):
    folder = tmp_path / "site"
    shutil.copytree(APPS, folder)
    server = rustcorn("shared:app", "--preload", "-w", "2", "--lifespan", "off", cwd=folder)
    (before,) = zygotes(server)
    text = (folder / "shared.py").read_text()
    (folder / "shared.py").write_text(text.replace("{IMPORTED_BY}", "new"))
    server.reload()
    assert answer(server)[0] == "new"
    until("the old one is gone", lambda: before not in zygotes(server))
    # Broken code keeps what serves, and says so once.
    (folder / "shared.py").write_text("import nothing_like_it\n" + text)
    server.signal(signal.SIGHUP)
    server.wait_for("Reload abandoned: .*ModuleNotFoundError")
    assert server.log.count("Traceback") == 1 and answer(server)[0] == "new"
    until("one is left", lambda: len(zygotes(server)) == 1)


def test_a_zygote_that_dies_harms_nobody(rustcorn):
    server = rustcorn("shared:app", "--preload", "-w", "2", "--lifespan", "off", cwd=APPS)
    (zygote,) = zygotes(server)
    os.kill(zygote, signal.SIGKILL)
    server.wait_for(rf"\(pid:{zygote}\) was killed by SIGKILL")
    assert answer(server)[0] == str(zygote)
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for(r" ready \(pid", count=3)
    assert answer(server)


@pytest.fixture
def stopped(rustcorn):
    """Two workers of which one has just been killed, and a zygote that is stopped and cannot fork another one."""
    server = rustcorn("shared:app", "--preload", "-w", "2", "--lifespan", "off", cwd=APPS)
    (zygote,) = zygotes(server)
    os.kill(zygote, signal.SIGSTOP)
    victim, survivor = server.workers()
    os.kill(victim, signal.SIGKILL)
    server.wait_for(rf"Worker \(pid:{victim}\) was sent SIGKILL!")
    return server, zygote, survivor


#: What is done at once is done before this is said.
GIVEN_UP = "has not answered for 5 s"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_does_not_wait_for_a_zygote(stopped, how):
    server, _, _ = stopped
    server.signal(how)
    assert server.ended() == 0
    assert GIVEN_UP not in server.log and "could not be started" not in server.log


def test_deaths_and_reloads_do_not_wait_for_a_zygote(stopped):
    server, zygote, survivor = stopped
    os.kill(survivor, signal.SIGKILL)
    server.wait_for(rf"Worker \(pid:{survivor}\) was sent SIGKILL!")
    server.signal(signal.SIGHUP)
    server.wait_for("Reload done: 2 workers")
    assert GIVEN_UP not in server.log
    assert answer(server)[0] != str(zygote)
    until("the stopped one is gone", lambda: zygote not in zygotes(server), lambda: server.log)


def test_a_zygote_that_does_not_answer_is_replaced(stopped):
    server, zygote, _ = stopped
    server.wait_for(rf"\(pid:{zygote}\) {GIVEN_UP}")
    server.wait_for(r" ready \(pid", count=3)
    (successor,) = zygotes(server)
    assert successor != zygote and answer(server)
    until("the workers are two", lambda: len(children(server)) == 3, lambda: f"{children(server)} {server.log}")


def test_a_zygote_that_goes_on_in_time_is_kept(stopped):
    server, zygote, _ = stopped
    os.kill(zygote, signal.SIGCONT)
    server.wait_for(r" ready \(pid", count=3)
    assert zygotes(server) == [zygote] and "could not be started" not in server.log


def test_a_worker_that_is_not_wanted_any_more_does_not_live_on(stopped):
    server, zygote, survivor = stopped
    server.signal(signal.SIGTTOU)
    server.wait_for("1 workers wanted")
    os.kill(zygote, signal.SIGCONT)
    # It answers by and by. Afterwards it forks as before, and there is nobody but those who are known.
    server.signal(signal.SIGTTIN)
    server.wait_for(r" ready \(pid", count=3)
    known = {zygote, survivor, server.workers()[2]}
    until("nobody else is there", lambda: set(children(server)) == known, lambda: f"{children(server)} {server.log}")
    assert "could not be started" not in server.log


def test_a_zygote_that_dies_with_an_order_is_replaced(stopped):
    server, zygote, _ = stopped
    os.kill(zygote, signal.SIGKILL)
    server.wait_for(rf"\(pid:{zygote}\) was killed by SIGKILL")
    server.wait_for("a worker could not be started: the process to fork it from has ended")
    server.wait_for(r" ready \(pid", count=3)
    (successor,) = zygotes(server)
    assert successor != zygote
    until("the workers are two", lambda: len(children(server)) == 3, lambda: f"{children(server)} {server.log}")


def test_many_workers_are_forked_one_after_the_other(rustcorn):
    server = rustcorn("shared:application", "--preload", "-w", "40", cwd=APPS)
    assert len(zygotes(server)) == 1 and len(children(server)) == 41
    victims = server.workers()[:20]
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    server.wait_for(r" ready \(pid", count=60)
    until("there are 40", lambda: len(children(server)) == 41, lambda: server.log)
    assert all(f"Worker (pid:{victim}) was sent SIGKILL!" in server.log for victim in victims)


def test_threads_of_the_import_are_told(rustcorn):
    server = rustcorn("shared:app", "--preload", "--lifespan", "off", cwd=APPS, env={"START_THREAD": "1"})
    server.wait_for(r"has started a thread \(poller\)")
    assert answer(server)


def test_an_import_that_fails_ends_the_first_start(failing, tmp_path):
    (tmp_path / "main.py").write_text("import nothing_like_it\n")
    code, log = failing("main:app", "--preload", "-w", "3", cwd=tmp_path)
    assert code == 3 and log.count("Traceback") == 1, log


def test_a_stop_during_the_import_is_obeyed_at_once(rustcorn, failing, tmp_path):
    (tmp_path / "main.py").write_text("print('importing', flush=True)\nimport time\ntime.sleep(60)\n")
    server = Running(["main:app", "--preload", "-w", "2"], log=tmp_path / "log", cwd=tmp_path)
    try:
        server.wait_for("importing")
        begun = time.monotonic()
        server.signal(signal.SIGTERM)
        server.ended()
        assert time.monotonic() - begun < 5, server.log
    finally:
        server.end()


def test_nothing_outlives_an_arbiter_that_is_killed(rustcorn):
    server = rustcorn("shared:app", "--preload", "-w", "2", "--lifespan", "off", "--graceful-timeout", "1", cwd=APPS)
    server.signal(signal.SIGKILL)
    server.ended()
    until("all are gone", lambda: not server._left(), lambda: f"{server._left()}\n{server.log}")


def test_hooks_run_in_workers_from_a_zygote(rustcorn, tmp_path):
    folder = tmp_path / "site"
    shutil.copytree(APPS, folder)
    (folder / "gunicorn.conf.py").write_text(
        "preload_app = True\ndef pre_fork(server, worker):\n    server.log.info('before %s', worker.age)\n"
        "def post_fork(server, worker):\n    worker.log.info('after %s %s', worker.pid, worker.age)\n"
        "def child_exit(server, worker):\n    server.log.info('gone %s', worker.pid)\n"
    )
    server = rustcorn("shared:app", "--lifespan", "off", cwd=folder)
    (pid,) = server.workers()
    assert f"after {pid} 1" in server.log and "before 1" in server.log
    server.signal(signal.SIGTTIN)
    server.wait_for(r" ready \(pid", count=2)
    assert f"after {server.workers()[1]} 2" in server.log and "before 2" in server.log
    server.signal(signal.SIGTERM)
    server.ended()
    assert f"gone {pid}" in server.log


def test_what_pre_fork_puts_on_a_worker_reaches_it(rustcorn, tmp_path):
    folder = tmp_path / "site"
    shutil.copytree(APPS, folder)
    (folder / "gunicorn.conf.py").write_text(
        "preload_app = True\ndef pre_fork(server, worker):\n    worker.long = 'x' * 100_000\n"
        "    worker.stays = lambda: None\n    worker.given = {'age': worker.age}\n"
        "def post_fork(server, worker):\n    has = sorted(vars(worker).keys() & {'given', 'stays', 'long'})\n"
        "    worker.log.info('of %s: %s %s', worker.ppid, worker.given, has)\n"
    )
    server = rustcorn("shared:app", "--lifespan", "off", "--workers", "2", cwd=folder)
    for age in (1, 2):
        server.wait_for(rf"of {server.pid}: {{'age': {age}}} \['given'\]")
    server.wait_for(r"\[WARNING\] What pre_fork has put on its worker as stays cannot be handed .*: \w+Error: ", count=2)
    server.wait_for(r"\[WARNING\] What pre_fork has put on its worker as long cannot be handed .* 24000 bytes together")
