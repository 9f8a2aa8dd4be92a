# The plugin as a container for Vault's plugin runtime, of what make release built;
# docs/install.md says how to use it:
#
#   docker build --build-arg VERSION=v0.1.0 -t vault-plugin-secrets-sei:v0.1.0 build/release -f Dockerfile
#
# The base has the certificate authorities that upstreams are checked against, a user
# who is not root, and no shell.
FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION
ARG TARGETOS=linux
ARG TARGETARCH=amd64
COPY --chmod=0755 vault-plugin-secrets-sei_${VERSION}_${TARGETOS}_${TARGETARCH} /vault-plugin-secrets-sei
ENTRYPOINT ["/vault-plugin-secrets-sei"]
