//! What a request may be, and how long each part of it may take.

macro_rules! requests_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*
        } $($rest)* }
    };
}
