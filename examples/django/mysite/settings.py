"""The smallest settings: no database, no templates. The key is for development alone."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "not a secret")
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "mysite.urls"
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
USE_TZ = True
