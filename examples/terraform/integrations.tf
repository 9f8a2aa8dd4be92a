# Integrations of every kind with their policies. The module can also be used alone, by a
# team that keeps its integrations at a mount of somebody else's; README.md shows how.
module "integrations" {
  source = "./module"

  mount              = vault_mount.sei.path
  integrations       = var.integrations
  client_secrets     = var.client_secrets
  oauth_integrations = var.oauth_integrations

  depends_on = [vault_generic_endpoint.config] # allowed_hosts comes first
}

# Earlier versions of this example had these beside the mount. Terraform takes them for
# the same, and changes nothing.
moved {
  from = vault_generic_endpoint.integration
  to   = module.integrations.vault_generic_endpoint.integration
}

moved {
  from = vault_policy.reauthenticate
  to   = module.integrations.vault_policy.reauthenticate
}

moved {
  from = vault_policy.worker
  to   = module.integrations.vault_policy.worker
}
