# The local shop in a container, for people without Rust. The cloud needs none of it.
#
#   docker compose up                          the shop on http://127.0.0.1:3000
#   docker compose run --rm shop buy           one purchase in a shop of its own
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /shop
COPY . .
RUN cargo build --locked --package local

# The shop reads its templates, demo goods and contract where it was built, so they stay there.
FROM debian:bookworm-slim
COPY --from=build /shop/target/debug/local /shop/target/debug/local
COPY template.yaml /shop/
COPY functions /shop/functions
COPY infra /shop/infra
COPY events /shop/events
WORKDIR /shop
RUN useradd --system --create-home --uid 10001 shop && mkdir .fluxion && chown shop .fluxion
USER 10001
ENTRYPOINT ["/shop/target/debug/local"]
CMD ["serve", "--data-dir", "/shop/.fluxion"]
