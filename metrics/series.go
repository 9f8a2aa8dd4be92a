package metrics

// The names of the series.
const (
	fleetName    = "vault_sei_integrations"
	upName       = "vault_sei_integration_up"
	expiryName   = "vault_sei_credential_expiry_timestamp_seconds"
	checkedName  = "vault_sei_last_check_timestamp_seconds"
	tokensName   = "vault_sei_pool_tokens"
	quotaName    = "vault_sei_pool_quota_remaining"
	reauthsName  = "vault_sei_reauth_total"
	checksName   = "vault_sei_checks_total"
	requestsName = "vault_sei_upstream_request_duration_seconds"
	notifiedName = "vault_sei_notifications_total"
	buildName    = "vault_sei_build_info"
)

// Series says of each series what it is, by its name. The map is the caller's.
func Series() map[string]string {
	return map[string]string{
		fleetName:    "Integrations by provider and status.",
		upName:       "0 if the credential is missing, refused or has ended, else 1; none for an auth type that cannot be checked.",
		expiryName:   "When the credential ends, of a pool the first of its tokens; none where that is not known.",
		checkedName:  "When the upstream was last asked about the credential, as far as this node knows.",
		tokensName:   "Tokens of a pool by state.",
		quotaName:    "What is left of the known quotas of a pool's accounts, of tokens that work.",
		reauthsName:  "Re-authentications since the plugin's start, by how they ended: ok, the code of the refusal, or error.",
		checksName:   "Health checks of credentials since the plugin's start, each token of a pool by itself: ok, or what was found.",
		requestsName: "Requests to upstreams since the plugin's start, also those without an answer.",
		notifiedName: "Messages to targets of notifications since the plugin's start, each attempt by itself: delivered or failed.",
		buildName:    "The version of the plugin, with the value 1.",
	}
}
