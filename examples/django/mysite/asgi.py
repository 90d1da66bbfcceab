"""The same with Django's asynchronous views: `rustcorn mysite.asgi --bind 127.0.0.1:8000`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = get_asgi_application()
