terraform {
  required_version = ">= 1.10" # ephemeral values

  required_providers {
    vault = {
      source  = "hashicorp/vault"
      version = ">= 5.9" # ephemeral "vault_generic_endpoint"; "vault_generic_secret" came with 5.8
    }
  }
}
