# The gateway in a container: built with the official Swift image, run on Debian slim without a toolchain.
#
#   docker build -t qwen-gateway .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -p 443:8443 … qwen-gateway
#
# docker-compose.yml is the usual way to run it. Where images must be pinned, pass them with their digests:
#   docker build --build-arg SWIFT_IMAGE=swift@sha256:… --build-arg DEBIAN_IMAGE=debian@sha256:… .
ARG SWIFT_IMAGE=docker.io/library/swift:6.3-bookworm
ARG DEBIAN_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
# Debian withdraws a version when it is replaced by a fix: to pin it is to fail the next build.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libnghttp2-dev libssl-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# Packages change less often than the source does: they have a layer of their own.
COPY Package.swift ./
RUN swift package resolve
# What .dockerignore lets in: sources, and what else the package names as a target, which must be there unbuilt.
COPY . .
RUN ops/build.sh release --product qwen-gateway \
    && strip -o /qwen-gateway .build/release/qwen-gateway

FROM ${DEBIAN_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="qwen-gateway" \
    org.opencontainers.image.description="An HTTPS gateway to Qwen for clients that speak the APIs of OpenAI or Anthropic" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
# State and certificates are places for volumes, which take over the owner and the mode of what is here.
# hadolint ignore=DL3008
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates libnghttp2-14 libssl3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
    && useradd --uid 10001 --user-group --no-log-init --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin qwen-gateway \
    && install -d -o 10001 -g 10001 -m 700 /var/lib/qwen-gateway \
    && install -d -o 10001 -g 10001 -m 750 /etc/qwen-gateway /etc/qwen-gateway/certs
COPY --from=build /qwen-gateway /usr/local/bin/qwen-gateway

# A port that needs no privilege, and state where the volume is. TLS_CERT_FILE and TLS_KEY_FILE keep their defaults,
# certs/server.pem and certs/server.key below the working directory.
ENV SERVER_PORT=8443 \
    QWEN_DIR=/var/lib/qwen-gateway
WORKDIR /etc/qwen-gateway
USER 10001:10001
VOLUME ["/var/lib/qwen-gateway", "/etc/qwen-gateway/certs"]
EXPOSE 8443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=10s --retries=3 \
    CMD ["/usr/local/bin/qwen-gateway", "health"]
ENTRYPOINT ["/usr/local/bin/qwen-gateway"]
CMD ["serve"]
