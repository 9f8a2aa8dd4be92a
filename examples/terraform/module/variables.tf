variable "mount" {
  description = "Where the engine is mounted: it is there, and so are its settings, allowed_hosts above all."
  type        = string
  default     = "sei"

  validation {
    condition     = trim(var.mount, "/") == var.mount && var.mount != ""
    error_message = "mount is the path without slashes around it: sei, or team/sei."
  }
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

variable "read" {
  description = "The names of integrations whose credentials this run needs itself. Each must have one already."
  type        = set(string)
  default     = []
}
