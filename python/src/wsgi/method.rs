//! A method of a class of ours, bound to an object without being looked up by its name each time.

use pyo3::PyClass;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// A method of this name, of one class.
pub(super) struct Method {
    name: &'static str,
    descriptor: PyOnceLock<Py<PyAny>>,
}

impl Method {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, descriptor: PyOnceLock::new() }
    }

    /// As `object.name` would have it.
    pub(super) fn of<'py, T: PyClass>(&self, object: &Bound<'py, T>) -> PyResult<Bound<'py, PyAny>> {
        let py = object.py();
        let find = || py.get_type::<T>().getattr(self.name).map(Bound::unbind);
        let descriptor = self.descriptor.get_or_try_init(py, find)?.as_ptr();
        // SAFETY: we are attached, and both are objects; a descriptor that binds takes them and the class, and returns a new
        // reference, or null with an exception set.
        unsafe {
            match (*ffi::Py_TYPE(descriptor)).tp_descr_get {
                Some(bind) => {
                    let class = ffi::Py_TYPE(object.as_ptr()).cast();
                    Bound::from_owned_ptr_or_err(py, bind(descriptor, object.as_ptr(), class))
                }
                None => object.as_any().getattr(self.name),
            }
        }
    }
}
