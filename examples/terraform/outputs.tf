# What is left for a person to do, by integration: nothing here is a secret.
output "reauthenticate" {
  description = "How each integration gets its credential: out of band, never through Terraform."
  value = {
    for name, settings in var.integrations : name => (
      lookup(settings, "auth_type", "") == "oauth"
      ? "vault write -f ${vault_mount.sei.path}/oauth/authorize/${name}"
      : "vault read ${vault_mount.sei.path}/reauth/${name}"
    )
  }
}
