# What there is to do
default:
    @just --list --unsorted

# Load the demo portal and serve it
demo *ARGS:
    cargo run --release --locked -- demo {{ ARGS }}

# Quick: does it compile, with and without PostgreSQL?
check:
    cargo check --locked --all-targets
    cargo check --locked --all-targets --features postgres

# Style and lints, both feature sets
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo clippy --locked --all-targets --features postgres -- -D warnings

# The tests on SQLite
test *ARGS:
    cargo test --locked {{ ARGS }}

# The same tests on PostgreSQL: `just test-postgres postgres://USER:PASSWORD@HOST/postgres`
test-postgres URL *ARGS:
    BANTIN_TEST_POSTGRES={{ quote(URL) }} cargo test --locked --features postgres {{ ARGS }}

# Write openapi/ anew; the diff is what clients will notice
bless:
    cargo build --locked # first, so that code which does not compile leaves the file alone
    BANTIN_BLESS=1 cargo test --locked --quiet --test api examples::
    cargo run --locked --quiet -- openapi > openapi/bantin.json

# Requests per second, latency and CPU time, beside the in-process ceiling
bench:
    cargo bench --locked --bench http

# Time and memory from a 24-megapixel JPEG to all its renditions, beside decoding alone
bench-images:
    cargo bench --locked --bench images

# Licences, bans and sources, as deny.toml wants them
deny:
    cargo deny --locked check --hide-inclusion-graph licenses bans sources

# Everything that must hold before a change lands; brings its own PostgreSQL
ci:
    .ci/run
