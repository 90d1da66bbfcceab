//! The two closed loops: a client sends its next request when it has the answer to the last one.

use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::sync::Arc;

use super::Shape;
use super::client::{Client, keep_alive_request, only_request};
use super::tally::Tally;

/// One client's whole life. Leaves at the first failure: a contender that fails requests has nothing to be measured.
pub async fn client(shape: Shape, address: SocketAddr, tally: Arc<Tally>) {
    let end = match shape {
        Shape::KeepAlive => keep_alive(address, &tally).await,
        Shape::OneRequestEach => one_request_each(address, &tally).await,
    };
    if let Err(problem) = end {
        tally.failed(&problem);
    }
}

async fn keep_alive(address: SocketAddr, tally: &Tally) -> Result<()> {
    let request = keep_alive_request("/");
    while tally.wanted() {
        let mut client = Client::connect(address).await?;
        while tally.wanted() {
            let answer = client.ask(&request).await?;
            tally.answered();
            if answer.closes() {
                break;
            }
        }
    }
    Ok(())
}

async fn one_request_each(address: SocketAddr, tally: &Tally) -> Result<()> {
    let request = only_request("/");
    while tally.wanted() {
        let mut client = Client::connect(address).await?;
        client.ask(&request).await?;
        client.until_closed().await.context("after `Connection: close`")?;
        tally.answered();
    }
    Ok(())
}
