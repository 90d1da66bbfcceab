"""Three views."""

import os

from django.http import FileResponse, HttpResponse, JsonResponse
from django.urls import path


def home(request):
    return HttpResponse("<p>Hello from Django.</p>\n")


def facts(request):
    return JsonResponse({"pid": os.getpid(), "scheme": request.scheme, "client": request.META["REMOTE_ADDR"]})


def source(request):
    """A file, which the kernel copies to the client."""
    return FileResponse(open(__file__, "rb"), filename="urls.py")


urlpatterns = [path("", home), path("facts", facts), path("source", source)]
