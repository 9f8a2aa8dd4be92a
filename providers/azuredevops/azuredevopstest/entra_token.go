package azuredevopstest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
	"vault-plugin-secrets-sei/providers/providertest/authserver"
)

// entraRefusal is an answer of the token endpoint that refuses.
type entraRefusal struct {
	status          int
	code, text      string
	numbers         []int
	uri             bool
	suberror, clock string
}

// refuseEntra is a refusal of today's form: the newest answers that are recorded carry an
// error_uri.
func refuseEntra(status int, code string, number int, text string) *entraRefusal {
	return &entraRefusal{status: status, code: code, text: text, numbers: []int{number}, uri: true}
}

// body: Azure/azure-cli issue 16745 and others, recorded.
func (f *entraRefusal) body() providertest.Object {
	trace, correlation := providertest.MadeUpID(), providertest.MadeUpID()
	b := providertest.Object{
		"error":             f.code,
		"error_description": f.text + "\r\nTrace ID: " + trace + "\r\nCorrelation ID: " + correlation + "\r\nTimestamp: " + f.clock,
		"error_codes":       f.numbers, "timestamp": f.clock, "trace_id": trace, "correlation_id": correlation,
	}
	if f.uri {
		b["error_uri"] = "https://login.microsoftonline.com/error?code=" + strconv.Itoa(f.numbers[0])
	}
	if f.suberror != "" {
		b["suberror"] = f.suberror
	}
	return b
}

// token is the token endpoint.
func (e *Entra) token(w http.ResponseWriter, r *http.Request) {
	body, refusal := e.answer(r)
	if refusal != nil {
		refusal.clock = e.Time().UTC().Format("2006-01-02 15:04:05Z")
		authserver.WriteToken(w, refusal.status, refusal.body())
		return
	}
	authserver.WriteToken(w, http.StatusOK, body)
}

// answer does what the token endpoint is asked for. A body that is no form has no
// parameters; the words are of MicrosoftDocs/entra-docs reference-error-codes.md,
// codes and status of the OAuth error are guesses.
func (e *Entra) answer(r *http.Request) (providertest.Object, *entraRefusal) {
	form, _ := authserver.PostedForm(r)
	grant := form.Get("grant_type")
	if grant == "" {
		return nil, missingParameter("grant_type")
	}
	if name := authserver.Repeated(form); name != "" {
		return nil, refuseEntra(http.StatusBadRequest, "invalid_request", 9000411, "AADSTS9000411: The request is not properly formatted. The parameter '"+name+"' is duplicated.")
	}
	client, refusal := e.authenticate(r, form)
	if refusal != nil {
		return nil, refusal
	}
	switch grant {
	case "authorization_code":
		return e.exchange(client, form)
	case "refresh_token":
		return e.again(client, form)
	}
	return nil, refuseEntra(http.StatusBadRequest, "unsupported_grant_type", 70003, "AADSTS70003: The app requested an unsupported grant type '"+grant+"'.")
}

func missingParameter(name string) *entraRefusal {
	return refuseEntra(http.StatusBadRequest, "invalid_request", 900144, "AADSTS900144: The request body must contain the following parameter: '"+name+"'.")
}

// authenticate finds the client, whose secret must stand in the body. Entra takes it
// by HTTP Basic as well; the fake does not, so that a client shows which way it goes.
func (e *Entra) authenticate(r *http.Request, form url.Values) (authserver.OAuthClient, *entraRefusal) {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	client, known := e.registered(r.PathValue("tenant"), id)
	switch {
	case id == "":
		return client, missingParameter("client_id")
	case !known:
		// MicrosoftDocs/azure-docs issue 21690, recorded; error and status are guesses.
		return client, refuseEntra(http.StatusBadRequest, "unauthorized_client", 700016, noApplication(r.PathValue("tenant"), id))
	case r.Header.Get("Authorization") != "":
		// RFC 6749, section 2.3: one way at a time. The number is a guess.
		return client, refuseEntra(http.StatusBadRequest, "invalid_request", 9002313, "AADSTS9002313: Invalid request. Request is malformed or invalid.")
	case secret == "":
		// MicrosoftDocs/entra-docs reference-error-codes.md; the status is a guess.
		return client, refuseEntra(http.StatusUnauthorized, "invalid_client", 7000218, "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case secret != client.Secret:
		// OfficeDev/microsoft-365-agents-toolkit issue 8621, recorded.
		return client, refuseEntra(http.StatusUnauthorized, "invalid_client", 7000215,
			"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '"+id+"'.")
	}
	return client, nil
}

// exchange trades a code.
func (e *Entra) exchange(client authserver.OAuthClient, form url.Values) (providertest.Object, *entraRefusal) {
	for _, name := range []string{"code", "redirect_uri"} {
		if form.Get(name) == "" {
			return nil, missingParameter(name)
		}
	}
	c, v := e.Redeem(client.ID, form)
	if v != authserver.GrantAccepted {
		return nil, refuseCode(v)
	}
	return e.tokens(client, c, form.Get("scope"))
}

// refuseCode tells what is wrong with a code.
func refuseCode(v authserver.Verdict) *entraRefusal {
	number, text := 9002313, "Invalid request. Request is malformed or invalid."
	switch v {
	case authserver.GrantUsed:
		// davidjrh/dnn.azureadprovider issue 17, recorded; the status is a guess.
		return &entraRefusal{
			status: http.StatusBadRequest, code: "invalid_grant", numbers: []int{70002, 54005},
			text: "AADSTS70002: Error validating credentials. AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
		}
	case authserver.GrantExpired:
		// MicrosoftDocs/entra-docs reference-error-codes.md; the error is a guess.
		number, text = 70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource."
	case authserver.GrantElsewhere:
		// PartnerCenterSamples/Reseller-Web-Application issue 73, recorded without the envelope.
		number, text = 50011, "The reply address does not match the reply address provided when requesting Authorization code."
	case authserver.GrantUnverified:
		// pennersr/django-allauth issue 2916, recorded.
		number, text = 50148, "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE."
	case authserver.GrantOtherVerifier:
		// GillesZunino/insomnia-plugin-azure-ad-authentication issue 14, recorded.
		number, text = 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."
	default:
		// MicrosoftDocs/azure-docs issue 63819, recorded.
	}
	return refuseEntra(http.StatusBadRequest, "invalid_grant", number, "AADSTS"+strconv.Itoa(number)+": "+text)
}

// again trades a refresh token, which stays as good as it was.
func (e *Entra) again(client authserver.OAuthClient, form url.Values) (providertest.Object, *entraRefusal) {
	if form.Get("refresh_token") == "" {
		return nil, missingParameter("refresh_token")
	}
	t, v := e.Renew(client.ID, form.Get("refresh_token"))
	const instant = "2006-01-02T15:04:05.0000000Z"
	switch v {
	case authserver.GrantAccepted:
	case authserver.GrantRevoked:
		// Azure/azure-cli issue 16745, recorded.
		return nil, refuseEntra(http.StatusBadRequest, "invalid_grant", 50173,
			"AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password."+
				" The grant was issued on '"+t.Given.UTC().Format(instant)+"' and the TokensValidFrom date (before which tokens are not valid) for this user is '"+t.Revoked.UTC().Format(instant)+"'.")
	case authserver.GrantExpired:
		// Azure/azure-cli issue 14244, recorded.
		return nil, refuseEntra(http.StatusBadRequest, "invalid_grant", 700082,
			"AADSTS700082: The refresh token has expired due to inactivity. The token was issued on "+t.Issued.UTC().Format(instant)+" and was inactive for 90.00:00:00.")
	default:
		return nil, refuseCode(authserver.GrantUnknown)
	}
	body, refusal := e.tokens(client, t.Consent, form.Get("scope"))
	if refusal == nil {
		e.CountRefresh()
	}
	return body, refusal
}

// tokens issues what a consent is good for, or the part of it that the client asks
// for: MicrosoftDocs/entra-docs v2-oauth2-auth-code-flow.md, documented. Asking for
// more than was granted needs another consent: azure-docs issue 39189, recorded.
func (e *Entra) tokens(client authserver.OAuthClient, c authserver.Consent[AzureToken], scope string) (providertest.Object, *entraRefusal) {
	asked := c.Asked
	if scope != "" {
		asked = strings.Fields(scope)
	}
	rights, bad := entraRights(strings.Join(asked, " "), client)
	switch {
	case bad != "":
		return nil, refuseEntra(http.StatusBadRequest, "invalid_scope", 70011, badScope(bad))
	case c.Scopes != nil && (rights == nil || !authserver.Within(rights, c.Scopes)):
		f := refuseEntra(http.StatusBadRequest, "invalid_grant", 65001, "AADSTS65001: The user or administrator has not consented to use the application with ID '"+client.ID+"' named '"+client.ID+
			"'. Send an interactive authorization request for this user and resource.")
		f.suberror, f.uri = "consent_required", false
		return nil, f
	}
	out := e.Issue(c, rights, slices.Contains(c.Asked, "offline_access"))
	body := providertest.Object{
		"access_token": out.Access, "token_type": "Bearer", "expires_in": out.Seconds,
		"scope": tellRights(authserver.Common(rights, c.Account.Scopes), slices.Contains(asked, azureResource+"/.default")),
	}
	if out.Refresh != "" {
		body["refresh_token"] = out.Refresh
	}
	if slices.Contains(asked, "openid") {
		body["id_token"] = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.e30.AAAA"
	}
	return body, nil
}

// tellRights names rights with their resource. That .default is told beside what it
// came to, and that all rights are called user_impersonation, are guesses.
func tellRights(rights []string, byDefault bool) string {
	if rights == nil {
		rights = []string{"user_impersonation"}
	}
	told := make([]string, 0, len(rights)+1)
	for _, right := range rights {
		told = append(told, azureResource+"/"+right)
	}
	if byDefault {
		told = append(told, azureResource+"/.default")
	}
	return strings.Join(told, " ")
}
