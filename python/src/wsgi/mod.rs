//! WSGI applications.
