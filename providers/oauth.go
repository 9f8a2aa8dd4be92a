package providers

// Names of the settings and credential fields of OAuth.
const (
	oauthType         = "oauth"
	oauthCode         = "code"
	oauthState        = "state"
	oauthClientID     = "client_id"
	oauthRedirectURI  = "redirect_uri"
	oauthAuthorizeURL = "authorize_url"
	oauthTokenURL     = "token_url"
)

// oauthAuthType is re-authentication by a browser. instead names the auth type
// that works in this version.
//
// Its settings are not complete: client_secret is a secret, and nothing stores
// one apart from the configuration yet. For the same reason none is required.
func oauthAuthType(title, instead string, own ...Field) AuthType {
	return AuthType{
		Name: oauthType, Title: title,
		Unsupported: "This version does not re-authenticate by OAuth yet. Use auth_type " + instead + " until it does.",
		Fields: []Field{
			{Name: oauthCode, Title: "Authorization code", Kind: Token, Required: true, Description: "Code that the browser brought back; it works once and for a few minutes."},
			{Name: oauthState, Title: "State", Kind: Token, Required: true, Description: "State that the browser brought back beside the code."},
		},
		Settings: append(own,
			Field{Name: oauthClientID, Title: "Client ID", Kind: Text, Description: "Id of the OAuth client, as the page that made it shows it."},
			Field{Name: oauthRedirectURI, Title: "Redirect URI", Kind: URL, Description: "Address that the browser comes back to, exactly as the OAuth client has it."},
			Field{Name: oauthAuthorizeURL, Title: "Authorization URL", Kind: URL, Locates: true, Description: "Page where a person consents, if it is not the vendor's own."},
			Field{Name: oauthTokenURL, Title: "Token URL", Kind: URL, Locates: true, Description: "Address that exchanges codes for tokens, if it is not the vendor's own."},
		),
	}
}
