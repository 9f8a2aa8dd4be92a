output "reauthenticate" {
  description = "How each integration gets its credential: out of band, never through Terraform."
  value       = module.integrations.reauthenticate
}
