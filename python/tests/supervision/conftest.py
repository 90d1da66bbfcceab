"""What the tests of this directory share can be imported by them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Running
from tls import Certificate

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The applications, and a certificate for localhost."""
    site = tmp_path / "site"
    shutil.copytree(Path(__file__).parent / "apps", site)
    Certificate(site)
    return site


@pytest.fixture
def serve(rustcorn, site) -> Callable[[str], Running]:
    """A server with this gunicorn.conf.py."""

    def start(text: str) -> Running:
        (site / "gunicorn.conf.py").write_text(text)
        return rustcorn("hello:app", cwd=site)

    return start
