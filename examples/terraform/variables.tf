variable "plugin_version" {
  description = "Version of the plugin, with a leading v."
  type        = string
}

variable "plugin_sha256" {
  description = "SHA-256 of the plugin's binary in Vault's plugin_directory: the first word of its line in SHA256SUMS."
  type        = string
}

variable "plugin_name" {
  description = "Name of the plugin in Vault's catalogue, which is the type of the mount and never changes. A mount of an earlier version of this example has vault-plugin-secrets-sei: keep that."
  type        = string
  default     = "sei"
}

variable "plugin_command" {
  description = "File name of the binary in Vault's plugin_directory."
  type        = string
  default     = "vault-plugin-secrets-sei"
}

variable "mount" {
  description = "Where the engine is mounted. To change it, move the mount first, as README.md says: Terraform alone would delete every integration with its credential."
  type        = string
  default     = "sei"
}

variable "config" {
  description = "Settings of the mount, as docs/api.md lists them: allowed_hosts above all. Durations are whole seconds."
  type        = any
}

variable "integrations" {
  description = "Integrations by name, each with its settings as docs/api.md lists them; never a secret."
  type        = any
}

variable "client_secrets" {
  description = "Secrets of OAuth clients by the name of the integration. Neither plan nor state keeps them."
  type        = map(string)
  default     = {}
  ephemeral   = true
}

variable "oauth_integrations" {
  description = "The names that client_secrets has: names may be kept, secrets may not."
  type        = set(string)
  default     = []
}
