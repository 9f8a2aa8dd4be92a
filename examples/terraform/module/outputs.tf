# By integration of "read": what creds/ answers, with lists and maps as JSON, as "data" of
# vault_generic_secret is. It may go where Terraform takes ephemeral values: into the
# settings of a provider, a write-only argument, another ephemeral block. An empty map is
# not ephemeral by itself; terraform.applying, which is, makes it so.
output "credentials" {
  description = "Credentials of the integrations in read, which neither plan nor state keeps."
  value       = terraform.applying == null ? {} : tomap({ for name, secret in ephemeral.vault_generic_secret.credential : name => secret.data })
  ephemeral   = true
  sensitive   = true
}

# What is left for a person to do, by integration: nothing here is a secret.
output "reauthenticate" {
  description = "How each integration gets its credential: out of band, never through Terraform."
  value = {
    for name, settings in var.integrations : name => (
      lookup(settings, "auth_type", "") == "oauth"
      ? "vault write -f ${var.mount}/oauth/authorize/${name}"
      : "vault read ${var.mount}/reauth/${name}"
    )
  }
}
