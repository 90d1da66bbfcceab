//! What can be chosen.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::str::FromStr;
use std::time::Duration;

/// Whether the application is told of its start and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lifespan {
    /// It is, if it wants to be.
    #[default]
    Auto,
    /// It is, and an application that does not want to cannot be served.
    On,
    /// It is not.
    Off,
}

impl FromStr for Lifespan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(format!("lifespan is auto, on or off, not {text}")),
        }
    }
}

/// How an ASGI application is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether it is told of its start and its end.
    pub lifespan: Lifespan,
    /// How long its start may take; zero: for ever.
    pub startup_timeout: Duration,
    /// The path under which it is mounted.
    pub root_path: String,
    /// How long after its client's leave the task of a request is cancelled; none: never.
    pub disconnect_grace: Option<Duration>,
    /// The largest message of a WebSocket.
    pub ws_max_size: usize,
    /// How often a WebSocket client is asked for a sign of life; zero: never.
    pub ws_ping_interval: Duration,
    /// How long it may take to give that; zero: for ever.
    pub ws_ping_timeout: Duration,
    /// Whether messages of WebSockets are compressed if the client can.
    pub ws_per_message_deflate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lifespan: Lifespan::Auto,
            startup_timeout: Duration::from_secs(60),
            root_path: String::new(),
            disconnect_grace: None,
            ws_max_size: 16 << 20,
            ws_ping_interval: Duration::from_secs(20),
            ws_ping_timeout: Duration::from_secs(20),
            ws_per_message_deflate: true,
        }
    }
}

impl Options {
    /// From a dict with the names of the fields.
    pub(crate) fn from_python(given: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let mut options = Self::default();
        let Some(given) = given else { return Ok(options) };
        for pair in given.call_method0("items")?.try_iter()? {
            let (name, value): (String, Bound<'_, PyAny>) = pair?.extract()?;
            let seconds = || value.extract::<f64>().map(Duration::from_secs_f64);
            match name.as_str() {
                "lifespan" => options.lifespan = value.extract::<String>()?.parse().map_err(PyValueError::new_err)?,
                "startup_timeout" => options.startup_timeout = seconds()?,
                "root_path" => options.root_path = value.extract()?,
                "disconnect_grace" => options.disconnect_grace = Some(seconds()?),
                "ws_max_size" => options.ws_max_size = value.extract()?,
                "ws_ping_interval" => options.ws_ping_interval = seconds()?,
                "ws_ping_timeout" => options.ws_ping_timeout = seconds()?,
                "ws_per_message_deflate" => options.ws_per_message_deflate = value.extract()?,
                _ => return Err(PyValueError::new_err(format!("{name} is no option"))),
            }
        }
        Ok(options)
    }
}
