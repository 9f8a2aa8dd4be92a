# An OpenBao server, 2.5 or newer, that downloads the engine and registers it by itself.
# README.md says what to put in, and what to do then.

plugin "secret" "sei" {
  image       = "registry.example.com/vault-plugin-secrets-sei"
  version     = "v0.1.0" # the image's tag too
  binary_name = "vault-plugin-secrets-sei"

  # The sum of the program, not of the image: the line of ..._linux_amd64 in the release's
  # SHA256SUMS, or of ..._linux_arm64 if that is what the servers are.
  sha256sum = "0000000000000000000000000000000000000000000000000000000000000000"
}

plugin_directory         = "/opt/openbao/plugins"
plugin_auto_download     = true
plugin_auto_register     = true
plugin_download_behavior = "fail" # rather no server than one without its mounts

storage "raft" {
  path    = "/opt/openbao/data"
  node_id = "openbao-1"
}

listener "tcp" {
  address       = "0.0.0.0:8200"
  tls_cert_file = "/opt/openbao/tls/tls.crt"
  tls_key_file  = "/opt/openbao/tls/tls.key"
}

api_addr     = "https://openbao-1.example.com:8200"
cluster_addr = "https://openbao-1.example.com:8201"
