terraform {
  # Ephemeral values, which keep an OAuth client's secret out of plan and state, came with 1.10.
  required_version = ">= 1.10"

  required_providers {
    vault = {
      source  = "hashicorp/vault"
      version = ">= 5.11"
    }
  }
}

# Address and token come from the environment: VAULT_ADDR and VAULT_TOKEN.
provider "vault" {}
