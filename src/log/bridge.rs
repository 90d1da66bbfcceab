//! The application's `tracing` events, into the operator log.
//!
//! For an application that has set no subscriber of its own. Which levels pass is the operator's choice (`loglevel`) at
//! the time when the bridge is installed; a worker's level never changes, since new settings mean a new worker.

use super::format::{Fields, Span};
use super::global::{emit, enabled};
use crate::types::Level;
use serde_json::Value;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// A subscriber that writes each event as a line: `span{key=value}: target: message key=value`, or as JSON.
#[must_use]
pub fn bridge() -> impl Subscriber + Send + Sync + 'static {
    Registry::default().with(Bridge)
}

struct Bridge;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        enabled(level_of(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let levels = [
            (Level::Trace, LevelFilter::TRACE),
            (Level::Debug, LevelFilter::DEBUG),
            (Level::Info, LevelFilter::INFO),
            (Level::Warning, LevelFilter::WARN),
            (Level::Error, LevelFilter::ERROR),
        ];
        let lowest = levels.into_iter().find(|(level, _)| enabled(*level));
        Some(lowest.map_or(LevelFilter::OFF, |(_, filter)| filter))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut seen = Seen::default();
            attributes.record(&mut seen);
            span.extensions_mut().insert(seen);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(seen) = span.extensions_mut().get_mut::<Seen>()
        {
            values.record(seen);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut seen = Seen::default();
        event.record(&mut seen);
        let around: Vec<Span> = context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
            .map(|span| Span {
                name: span.name(),
                fields: span.extensions().get::<Seen>().map(|seen| seen.fields.clone()).unwrap_or_default(),
            })
            .collect();
        let metadata = event.metadata();
        emit(level_of(metadata), &seen.message, Some(metadata.target()), &seen.fields, &around);
    }
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

/// What an event or a span carries.
#[derive(Default)]
struct Seen {
    message: String,
    fields: Fields,
}

impl Seen {
    fn put(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match (name, value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", value) => self.message = value.to_string(),
            (_, value) => match self.fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = value,
                None => self.fields.push((name, value)),
            },
        }
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, Value::from(value.to_string()));
    }
}
