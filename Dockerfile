# The plugin as a container for Vault's plugin runtime, of what make release built;
# docs/install.md says how to use it:
#
#   docker build --build-arg VERSION=v0.1.0 -t vault-plugin-secrets-sei:0.1.0 build/release -f Dockerfile
#
# The image has the program, the certificate authorities that upstreams are checked
# against, and a user who is not root; no shell and no libraries.
FROM --platform=$BUILDPLATFORM debian:12-slim@sha256:d5d3f9c23164ea16f31852f95bd5959aad1c5e854332fe00f7b3a20fcc9f635c AS roots
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates

FROM scratch
ARG VERSION
ARG TARGETOS
ARG TARGETARCH
COPY --chmod=0755 vault-plugin-secrets-sei_${VERSION}_${TARGETOS}_${TARGETARCH} /vault-plugin-secrets-sei
COPY --from=roots /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENTRYPOINT ["/vault-plugin-secrets-sei"]
