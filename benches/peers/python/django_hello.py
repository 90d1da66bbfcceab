"""Django in one file, with one of its middlewares."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=False,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="benches",
)


def hello(request):
    return HttpResponse("Hello World")


urlpatterns = [path("", hello)]
app = get_wsgi_application()
