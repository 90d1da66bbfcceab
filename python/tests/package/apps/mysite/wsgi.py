"""What `django-admin startproject` writes, with the settings in one place."""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="not secret", DEBUG=False)


def index(request):
    return HttpResponse(f"Django {django.VERSION[0]}, multithread {request.META['wsgi.multithread']}, {os.getpid()}")


urlpatterns = [path("", index)]
application = get_wsgi_application()
