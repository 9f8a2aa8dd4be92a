# One resource for integrations of every kind. A read has more than was written, the
# state of the credential for instance: ignore_absent_fields compares what is written here.
resource "vault_generic_endpoint" "integration" {
  for_each = var.integrations

  path                 = "${var.mount}/integrations/${each.key}"
  data_json            = jsonencode(each.value)
  ignore_absent_fields = true

  # A credential goes with its integration, and another path, of another mount for
  # instance, means for Terraform to delete the one and write the other.
  lifecycle {
    prevent_destroy = true
  }
}

# The secret of an OAuth client is a setting that is never read back. It is written
# beside the integration, in each run, and kept nowhere else.
ephemeral "vault_generic_endpoint" "client_secret" {
  for_each = var.oauth_integrations

  mount_id  = vault_generic_endpoint.integration[each.key].id
  path      = "${var.mount}/integrations/${each.key}"
  data_json = jsonencode({ client_secret = var.client_secrets[each.key] })
}

# A credential that this run needs itself, for the provider of another tool for instance.
# Terraform reads it when it plans and again when it applies, and keeps it in neither plan
# nor state; a data source would keep it in both. ("vault_generic_endpoint" can only write.)
ephemeral "vault_generic_secret" "credential" {
  for_each = var.read

  mount_id = vault_generic_endpoint.integration[each.key].id
  path     = "${var.mount}/creds/${each.key}"
}
