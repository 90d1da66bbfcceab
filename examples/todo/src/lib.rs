//! A list of things to do: axum with shared state, JSON, and a shutdown hook that saves the list to a file.
//!
//! ```sh
//! cargo run --release -- todo:app --bind 127.0.0.1:8000
//! curl -X POST -H 'content-type: application/json' -d '{"title":"water the plants"}' http://127.0.0.1:8000/todos
//! curl http://127.0.0.1:8000/todos
//! ```
//!
//! The list is in `todo.json`, or where `TODO_FILE` says: stop the server, start it again, and the list is still there.
//! It lives in the memory of one worker. With more of them, or for a reload, where the newcomer starts before the old
//! worker saves, such things belong in a database.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use rustcorn::App;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Serialize, Deserialize)]
struct Todo {
    title: String,
    #[serde(default)]
    done: bool,
}

type Todos = BTreeMap<u32, Todo>;

#[derive(Clone, Default)]
struct Store(Arc<Mutex<Todos>>);

impl Store {
    fn with<T>(&self, act: impl FnOnce(&mut Todos) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The application: reads the list, and saves it when its worker leaves.
async fn app() -> io::Result<App<Router>> {
    let file = PathBuf::from(std::env::var_os("TODO_FILE").unwrap_or_else(|| "todo.json".into()));
    let store = Store(Arc::new(Mutex::new(load(&file).await?)));
    let saved = store.clone();
    let routes = Router::new()
        .route("/todos", get(list).post(add))
        .route("/todos/{id}", put(change).delete(remove))
        .with_state(store);
    Ok(App::new(routes).on_shutdown(async move || {
        if let Err(error) = save(&file, &saved).await {
            tracing::error!("the list was not saved to {}: {error}", file.display());
        }
    }))
}

rustcorn::export!(app);

async fn list(State(store): State<Store>) -> Json<Todos> {
    Json(store.with(|todos| todos.clone()))
}

async fn add(State(store): State<Store>, Json(todo): Json<Todo>) -> (StatusCode, Json<u32>) {
    let id = store.with(|todos| {
        let id = todos.last_key_value().map_or(1, |(id, _)| id + 1);
        todos.insert(id, todo);
        id
    });
    (StatusCode::CREATED, Json(id))
}

async fn change(State(store): State<Store>, Path(id): Path<u32>, Json(todo): Json<Todo>) -> StatusCode {
    store.with(|todos| match todos.get_mut(&id) {
        Some(old) => {
            *old = todo;
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    })
}

async fn remove(State(store): State<Store>, Path(id): Path<u32>) -> StatusCode {
    if store.with(|todos| todos.remove(&id)).is_some() { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn load(file: &PathBuf) -> io::Result<Todos> {
    match tokio::fs::read(file).await {
        Ok(text) => Ok(serde_json::from_slice(&text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Todos::new()),
        Err(error) => Err(error),
    }
}

/// First beside the old file, then over it: whenever the machine dies, one of the two is whole.
async fn save(file: &PathBuf, store: &Store) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(&store.with(|todos| todos.clone()))?;
    let new = file.with_extension("new");
    tokio::fs::write(&new, text).await?;
    tokio::fs::rename(&new, file).await
}
