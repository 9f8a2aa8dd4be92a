# Who renews the credential of one integration can do that and nothing else. Workers
# read it and nothing else. Bind these to a group or an auth role of yours.
locals {
  oauth = { for name, settings in var.integrations : name => settings if lookup(settings, "auth_type", "") == "oauth" }
}

resource "vault_policy" "reauthenticate" {
  for_each = var.integrations

  name = "${var.mount}-reauthenticate-${each.key}"
  policy = join("\n", [for path, capabilities in merge(
    {
      "reauth/${each.key}" = contains(keys(local.oauth), each.key) ? ["read"] : ["read", "update"]
      "health/${each.key}" = ["read"]
    },
    contains(keys(local.oauth), each.key) ? { "oauth/authorize/${each.key}" = ["update"] } : {},
  ) : "path \"${var.mount}/${path}\" { capabilities = ${jsonencode(capabilities)} }"])
}

resource "vault_policy" "worker" {
  for_each = var.integrations

  name = "${var.mount}-worker-${each.key}"
  policy = join("\n", [for path, capabilities in {
    "creds/${each.key}"        = ["read"]
    "creds/${each.key}/report" = ["update"]
  } : "path \"${var.mount}/${path}\" { capabilities = ${jsonencode(capabilities)} }"])
}
