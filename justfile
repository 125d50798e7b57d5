# What is done often. `just` alone lists it.

_default:
    @just --list --unsorted

# The types of everything, without building it
check:
    cargo fmt --check
    cargo clippy --all-targets --all-features -- -D warnings

# All tests, examples in the documentation included
test *args:
    cargo test --all-features {{ args }}

# The documentation of the public face
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features

# All benches, or one: `just bench schedule`
bench name="":
    cargo bench {{ if name == "" { "--benches" } else { "--bench " + name } }}

# What the build server runs
ci:
    .ci/run

# The tests of the workspace member that runs frames on a cluster: it compiles DataFusion
cluster:
    cargo test -p partita-cluster --profile cluster

# The taxi program, on the sample or on files of yours: `just taxi trips/*.parquet`
taxi *paths:
    cargo run --release --example taxi -- {{ paths }}

# A dashboard in the browser while trips are looked at
dashboard *args:
    cargo run --release --features dashboard --example dashboard -- {{ args }}

# The sample under data/, made anew
sample:
    rm -f data/trips.parquet data/trips.csv
    cargo run --example make_trips -- --rows 20000 --seed 42 --out data/trips.parquet
    cargo run --example make_trips -- --rows 2000 --seed 43 --out data/trips.csv

# Licences, advisories and doubled dependencies (needs cargo-deny)
deny:
    cargo deny check
