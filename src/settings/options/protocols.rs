//! HTTP/2 and WebSockets.

macro_rules! protocols_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*
        } $($rest)* }
    };
}
