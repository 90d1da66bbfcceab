//! One line for each request.

macro_rules! access_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*
        } $($rest)* }
    };
}
