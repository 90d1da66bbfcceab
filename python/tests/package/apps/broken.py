"""Fails when it is imported."""


def read_settings():
    raise KeyError("DATABASE_URL")


read_settings()
