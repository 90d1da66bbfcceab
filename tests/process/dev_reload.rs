//! `--reload` and the build of a missing library: with a cargo package of the test's own.

use crate::kit::*;
use std::fs;
use std::path::Path;

/// A package like the quick start's, outside of any workspace; its library is `lib{name}.so`.
fn package(lab: &Lab, name: &str) {
    let root = apps::root();
    fs::create_dir_all(lab.path("src")).expect("a folder");
    lab.write(
        "Cargo.toml",
        &format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
             [dependencies]\naxum = \"0.8\"\nrustcorn = {{ path = \"{}\", default-features = false, features = [\"mimalloc\"] }}\n\n\
             [workspace]\n",
            root.display()
        ),
    );
    // The same versions as in the tests' own build, so that nothing has to be fetched.
    fs::copy(root.join("Cargo.lock"), lab.path("Cargo.lock")).expect("the lock file");
    greet(lab, "first");
}

/// What the application answers.
fn greet(lab: &Lab, word: &str) {
    source(lab, &format!("\"{word}\""));
}

fn source(lab: &Lab, expression: &str) {
    let text = format!(
        "use axum::{{Router, routing::get}};\n\nfn router() -> Router {{\n    Router::new().route(\"/\", get(|| async {{ {expression} }}))\n}}\n\nrustcorn::export!(router);\n"
    );
    let fresh = lab.write("src/lib.rs.new", &text);
    fs::rename(fresh, lab.path("src/lib.rs")).expect("as an editor saves");
}

fn remove_library(name: &str) {
    for profile in ["debug", "release"] {
        let _ = fs::remove_file(apps::target_dir().join(profile).join(format!("lib{name}.so")));
    }
}

/// A build with a cold cache compiles the dependencies too.
const BUILD: Duration = secs(400);

#[track_caller]
fn wait_text(server: &Server, text: &str) {
    wait_until(&format!("the answer {text:?}"), BUILD, || {
        let reply = http::get(&server.address(), "/", SOON).expect("it serves all the time");
        (reply.text() == text).then_some(())
    });
}

#[test]
fn a_missing_library_is_built_and_changes_are_built_and_served() {
    let lab = Lab::new();
    package(&lab, "devapp");
    remove_library("devapp");
    let server = lab.launch().with_cargo().app("devapp:router").args("--reload --workers 2").spawn();
    wait_until("the first build", BUILD, || {
        assert!(proc::alive(server.pid()), "{}", server.log());
        server.addresses().into_iter().next()
    });
    wait_text(&server, "first");
    assert!(server.log().contains("Compiling") || server.log().contains("Finished"), "cargo's words are not shown");

    greet(&lab, "second");
    wait_text(&server, "second");

    // An error of the compiler is shown, and the last good build goes on.
    let mark = server.mark();
    source(&lab, "this is no expression");
    server.wait_log_since(mark, &["error"], BUILD);
    let log = server.log_since(mark);
    assert!(log.contains("src/lib.rs"), "the compiler's errors are not shown:\n{log}");
    let workers = server.workers();
    wait::stays_so("the last good build serves", secs(1), || server.get("/").text() == "second");
    assert_eq!(server.workers(), workers, "workers were replaced for a build that failed");

    greet(&lab, "third");
    wait_text(&server, "third");
    // A stop is obeyed in the middle of a build, and the build goes with it.
    let mark = server.mark();
    greet(&lab, "fourth");
    server.wait_log_since(mark, &["building"], SOON);
    server.finish();
    wait_until("cargo is gone", SOON, || lab.inhabitants().is_empty().then_some(()));
    remove_library("devapp");
}

#[test]
fn a_library_without_sources_is_watched_itself() {
    let lab = Lab::new();
    let library = lab.deploy(&apps::hello(), "swap");
    let server = lab.launch().app(&format!("{}:router", library.display())).args("--reload --workers 1").start();
    server.wait_ready(1);
    lab.deploy(&apps::testapps(), "swap");
    wait_text(&server, "the second version\n");
    server.finish();
}

#[test]
fn extra_files_are_watched_by_pattern() {
    let lab = Lab::new();
    fs::create_dir(lab.path("templates")).expect("a folder");
    let page = lab.write("templates/page.html", "one");
    let server = lab.launch().args("--reload --workers 1 --reload-extra-file templates/*.html").start();
    let old = server.wait_ready(1);
    touch(&page);
    server.wait_crew(1, |worker| worker.pid != old[0].pid);
    server.finish();
}

fn touch(path: &Path) {
    fs::write(path, "two").expect("written");
}
