//! The loop: asyncio outside, tokio inside.
