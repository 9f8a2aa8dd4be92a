# For Prometheus, which scrapes the metrics of the mount. ../prometheus has its configuration.
#
# Allows to read the metrics and nothing else. The names of all integrations show, unless metrics_by_integration=false
# is set in config; no account and no credential does.
#
# To adapt: replace sei/ if the mount has another path.
path "sei/metrics" {
  capabilities = ["read"]
}
