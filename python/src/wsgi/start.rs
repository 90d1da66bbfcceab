//! `start_response`, the `write` that it returns, and what can be said before it is called.

use super::head::{self, Head};
use super::method::Method;
use super::reply::Reply;
use super::send::Sending;
use super::wait;
use http::Version;
use http::request::Parts;
use pyo3::exceptions::{PyAssertionError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use rustcorn::Connection;

static WRITE: Method = Method::new("write");
static EARLY_HINTS: Method = Method::new("early_hints");

/// The callable that an application starts its response with.
#[pyclass(name = "start_response", module = "rustcorn")]
pub(super) struct StartResponse {
    pub(super) sending: Sending,
    /// Where hints go; none: they cannot be sent.
    connection: Option<Connection>,
}

impl StartResponse {
    pub(super) fn new(head: &Parts, reply: Reply) -> Self {
        let connection = head.extensions.get::<Connection>().filter(|_| head.version == Version::HTTP_11).cloned();
        Self { sending: Sending::new(&head.method, reply), connection }
    }

    /// What `wsgi.early_hints` is.
    pub(super) fn hinter<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        EARLY_HINTS.of(slf)
    }
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, response_headers, exc_info = None, /))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        status: &Bound<'py, PyAny>,
        response_headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        {
            let mut this = slf.try_borrow_mut()?;
            match exc_info {
                Some(exc_info) if this.sending.has_begun() => return Err(raised(exc_info)?),
                None if this.sending.has_head() => {
                    return Err(PyAssertionError::new_err(
                        "start_response was called before, and there is no exc_info",
                    ));
                }
                Some(_) | None => {}
            }
            this.sending.set_head(Head::parse(status, response_headers)?);
        }
        WRITE.of(slf)
    }

    /// What `wsgi.early_hints` is: sends these headers in a response of their own, 103, ahead of the one that will be. Where
    /// that cannot be, because of the protocol or since it has begun, nothing happens: hints are only hints.
    fn early_hints(slf: &Bound<'_, Self>, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = headers.try_iter()?.map(|pair| head::field(&pair?)).collect::<PyResult<Vec<_>>>()?;
        let connection = match slf.try_borrow() {
            Ok(this) if !this.sending.has_begun() => this.connection.clone(),
            // Another thread sends at this moment.
            Ok(_) | Err(_) => None,
        };
        if let Some(connection) = connection {
            connection.hint(&fields);
            wait::turn(slf.py())?;
        }
        Ok(())
    }

    /// Sends a block, before anything that the application returns.
    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        self.sending.send(py, block(data)?)
    }
}

/// A block of a body.
///
/// # Errors
///
/// It is no bytes.
pub(super) fn block<'a, 'py>(data: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyBytes>> {
    data.cast::<PyBytes>().map_err(|_| match data.get_type().name() {
        Ok(kind) => PyTypeError::new_err(format!("a response is made of bytes, not of {kind}")),
        Err(error) => error,
    })
}

/// The exception of an `exc_info`, with its traceback.
fn raised(exc_info: &Bound<'_, PyAny>) -> PyResult<PyErr> {
    let parts = exc_info.cast::<PyTuple>()?;
    let error = PyErr::from_value(parts.get_item(1)?);
    error.set_traceback(exc_info.py(), parts.get_item(2)?.cast_into().ok());
    Ok(error)
}
