//! `export!`: how an application's library offers its routers by name.

/// Makes applications of this library servable by name, as in `rustcorn hello:router`.
///
/// Each is a function without arguments, sync or async, that returns an `axum::Router`, any other tower service over
/// `http::Request<rustcorn::Body>`, an [`App`](crate::App), or a `Result` of one of these. The library must be a
/// `cdylib`.
///
/// ```
/// fn router() -> axum::Router {
///     axum::Router::new()
/// }
///
/// mod admin {
///     pub async fn build() -> Result<axum::Router, std::io::Error> {
///         Ok(axum::Router::new())
///     }
/// }
///
/// rustcorn::export!(router, admin::build as admin);
/// ```
///
/// A path needs a name:
///
/// ```compile_fail
/// mod admin {
///     pub fn build() -> axum::Router {
///         axum::Router::new()
///     }
/// }
///
/// rustcorn::export!(admin::build);
/// ```
///
/// An application reads who its peer is from the [`Connection`](crate::Connection) in a request's extensions. With the
/// feature `axum`, axum's `ConnectInfo<SocketAddr>` is there too, but only on TCP connections: a Unix socket has no such
/// address, so a handler that demands it answers 500 there; take `Option<Extension<ConnectInfo<SocketAddr>>>`, or the `Connection`.
#[macro_export]
macro_rules! export {
    () => {};
    ($factory:ident $(, $($rest:tt)*)?) => {
        $crate::export!(@one $factory, $factory);
        $($crate::export!($($rest)*);)?
    };
    ($factory:path as $name:ident $(, $($rest:tt)*)?) => {
        $crate::export!(@one $factory, $name);
        $($crate::export!($($rest)*);)?
    };
    ($factory:path $(, $($rest:tt)*)?) => {
        ::core::compile_error!(::core::concat!(
            "an application with a path needs a name to be served by: write `",
            ::core::stringify!($factory),
            " as name`"
        ));
        $($crate::export!($($rest)*);)?
    };
    (@one $factory:path, $name:ident) => {
        const _: () = {
            #[unsafe(export_name = concat!("rustcorn_worker_", stringify!($name)))]
            unsafe extern "C" fn worker(seat: *const $crate::abi::Seat) -> i32 {
                // SAFETY: the arbiter calls this symbol, with a seat of its own making (`abi::WorkerMain`).
                $crate::worker::main_for(unsafe { $crate::abi::Inherited::read(seat) }, $factory)
            }

            #[unsafe(export_name = concat!("rustcorn_stamp_", stringify!($name)))]
            static STAMP: $crate::abi::Stamp = $crate::abi::Stamp::here();
        };
    };
}
