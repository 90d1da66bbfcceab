"""What `django-admin startproject` makes, and how it is served.

    pip install django                                                  # beside rustcorn
    rustcorn mysite.wsgi --threads 4 --bind 127.0.0.1:8000              # in the directory above
    curl http://127.0.0.1:8000/facts

Behind a proxy on the same machine: `rustcorn mysite.wsgi --bind unix:/run/mysite.sock --threads 4`.
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = get_wsgi_application()
