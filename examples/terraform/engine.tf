resource "vault_plugin" "sei" {
  type    = "secret"
  name    = var.plugin_name
  version = var.plugin_version
  sha256  = var.plugin_sha256
  command = var.plugin_command

  # A new version is registered before the mount lets go of the old one.
  lifecycle {
    create_before_destroy = true
  }
}

resource "vault_mount" "sei" {
  path           = var.mount
  type           = vault_plugin.sei.name
  plugin_version = vault_plugin.sei.version
  description    = "Credentials of integrations with engineering tools"

  # What the audit device writes readably; it hashes all other strings. No secret is
  # under any of these keys.
  audit_non_hmac_response_keys = [
    "code", "integration", "name", "provider", "version", "previous_version", "fingerprint",
  ]

  # All credentials go with the mount. README.md says how to move it, and how to let it go.
  lifecycle {
    prevent_destroy = true
  }
}

resource "vault_generic_endpoint" "config" {
  path                 = "${vault_mount.sei.path}/config"
  data_json            = jsonencode(var.config)
  ignore_absent_fields = true
  disable_delete       = true # it goes with the mount
}
