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
    (@one $factory:path, $name:ident) => {
        const _: () = {
            #[unsafe(export_name = concat!("rustcorn_worker_", stringify!($name)))]
            extern "C" fn worker(seat: *const $crate::abi::Seat) -> i32 {
                $crate::worker::main_for(seat, $factory)
            }

            #[unsafe(export_name = concat!("rustcorn_stamp_", stringify!($name)))]
            static STAMP: $crate::abi::Stamp = $crate::abi::Stamp::here();
        };
    };
}
