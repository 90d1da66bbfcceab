//! ASGI applications.
