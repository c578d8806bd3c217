# bantin for both databases. The toolchain is the image's own: rust-toolchain.toml stays outside.

FROM rust:1-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpq-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build

# The dependencies alone: this layer lasts until Cargo.toml or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches/http tests \
 && echo 'fn main() {}' | tee src/main.rs benches/http/main.rs tests/databases.rs \
 && touch src/lib.rs \
 && cargo build --release --locked --features postgres

COPY docs/problems.md docs/
COPY openapi/examples.json openapi/
COPY migrations migrations
COPY src src
# Cargo compares times, and the files just copied are older than the stand-ins just built.
RUN touch src/lib.rs src/main.rs \
 && cargo build --release --locked --features postgres \
 && target/release/bantin --version


FROM debian:bookworm-slim
# Volumes take owner and mode from the folders made here when they are first mounted.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libpq5 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin bantin \
 && install -d -o bantin -g bantin -m 700 /data /data/keys /data/media
COPY --from=build /build/target/release/bantin /usr/local/bin/bantin

USER 10001:10001
# Links are built from BANTIN_PUBLIC_URL; without it they would name the address listened on.
ENV BANTIN_LISTEN=0.0.0.0:8080 \
    BANTIN_DATA_DIR=/data \
    BANTIN_PUBLIC_URL=http://localhost:8080
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM

# There is no curl in this image; bash speaks enough HTTP to read one status line.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s \
    CMD bash -c 'exec 3<>"/dev/tcp/127.0.0.1/${BANTIN_LISTEN##*:}" \
        && printf "GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n" >&3 \
        && read -r _ status _ <&3 && [ "$status" = 200 ]'

ENTRYPOINT ["bantin"]
CMD ["serve"]
