package providertest

import (
	"net/http"
)

// Answers of Between that an upstream may give itself.
const (
	BareUnauthorized = "a 401 without a word"
	BareForbidden    = "a 403 without a word"
)

// Between returns what meshes, gateways, ingresses and sign-in proxies answer in the
// place of an upstream, by what it is.
func Between() map[string]Fault {
	answers := map[string]Fault{}
	for name, f := range betweenUnauthorized() {
		answers["a 401 "+name] = f
	}
	for name, f := range betweenForbidden() {
		answers["a 403 "+name] = f
	}
	for name, f := range betweenNotFound() {
		answers["a 404 "+name] = f
	}
	return answers
}

// between is an answer of a content type, "" for none, with headers as name, value.
func between(status int, contentType, body string, headers ...string) Fault {
	header := map[string]string{"Content-Type": contentType}
	for i := 0; i+1 < len(headers); i += 2 {
		header[headers[i]] = headers[i+1]
	}
	return Fault{Status: status, Header: header, Body: body}
}

const (
	plainText = "text/plain"
	jsonText  = "application/json"
	htmlText  = "text/html; charset=utf-8"
	challenge = "WWW-Authenticate"
)

// betweenUnauthorized are those that are easily taken for the upstream's word on the
// credential: a mesh's (istio/istio issue 22610), an ingress's, and the documented or
// built-in ones of gateways.
func betweenUnauthorized() map[string]Fault {
	const status = http.StatusUnauthorized
	says := func(body string, headers ...string) Fault { return between(status, jsonText, body, headers...) }
	return map[string]Fault{
		"without a word":                        between(status, "", ""),
		"without a word that wants a password":  between(status, "", "", challenge, `Basic realm="Restricted"`),
		"without a word that wants a token":     between(status, "", "", challenge, `Bearer realm="https://vault.example.com/"`),
		"of a mesh without a token":             between(status, plainText, "Jwt is missing", challenge, `Bearer realm="https://vault.example.com/"`),
		"of a mesh with an old token":           between(status, plainText, "Jwt is expired", challenge, `Bearer realm="x", error="invalid_token"`),
		"of a mesh with a bad token":            between(status, plainText, "Jwt verification fails"),
		"of a mesh labelled JSON":               between(status, jsonText, "Jwt is missing"),
		"of a mesh in no type":                  between(status, "", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"),
		"in a word":                             between(status, plainText, "Unauthorized"),
		"in its own words":                      between(status, plainText+"; charset=utf-8", "401 Unauthorized\n", challenge, `Basic realm="traefik"`),
		"with a message":                        says(`{"message":"Unauthorized"}`),
		"with a message and a challenge":        says(`{"message":"Unauthorized"}`, challenge, `Bearer realm="api"`),
		"with a message labelled text":          between(status, plainText, `{"message":"Unauthorized"}`),
		"with a message and a code":             says(`{"statusCode":401,"message":"Unauthorized","error":"Unauthorized"}`),
		"with an error":                         says(`{"error":"unauthorized"}`),
		"with an error and its description":     says(`{"error":"unauthorized","error_description":"Full authentication is required to access this resource"}`),
		"with an error in capitals":             says(`{"error":"Unauthorized"}`),
		"of a gateway without a key":            says(`{"message":"No API key found in request"}`, challenge, `Key realm="kong"`),
		"of a gateway with a bad key":           says(`{"message":"Invalid authentication credentials"}`),
		"of a gateway without a header":         says(`{"message":"Missing authorization in request"}`),
		"of a gateway with a fault":             says(`{"fault":{"faultstring":"Invalid access token","detail":{"errorcode":"oauth.v2.InvalidAccessToken"}}}`),
		"of a gateway that speaks OAuth":        says(`{"error_description":"The access token is invalid or has expired","error":"invalid_token"}`, challenge, `Bearer realm="service" error="invalid_token"`),
		"of a gateway that names no reason":     says(`{"error":"invalid_token"}`),
		"of a gateway that checks passwords":    says(`{"timestamp":"2026-11-30T12:00:00.000+00:00","status":401,"error":"Unauthorized","message":"Bad credentials","path":"/user"}`),
		"in the form of a problem":              between(status, "application/problem+json", `{"type":"about:blank","title":"Unauthorized","status":401}`),
		"with a status and a message":           says(`{"status":"ERROR","message":"Unauthorized"}`),
		"with a failure and a message":          says(`{"status":"FAILURE","message":"Jwt is missing"}`),
		"with a status and a number":            says(`{"status":"ERROR","code":"401","message":"Unauthorized"}`),
		"with a list of words":                  says(`{"errors":["Unauthorized"]}`),
		"with a list of messages":               says(`{"errors":[{"message":"Unauthorized"}]}`),
		"with an empty object":                  says(`{}`),
		"with an empty list":                    says(`[]`),
		"with null":                             says(`null`),
		"with a word in JSON":                   says(`"Unauthorized"`),
		"with a message that quotes the vendor": says(`{"message":"upstream said 401 Unauthorized: Bad credentials, invalid_token, INVALID_TOKEN, TF400813"}`),
		"of an ingress":                         between(status, "text/html", UnauthorizedPage),
		"of an ingress labelled JSON":           between(status, jsonText, UnauthorizedPage),
		"of an ingress labelled text":           between(status, plainText, UnauthorizedPage),
		"of a page that names the upstream":     between(status, htmlText, `<html><head><title>Unauthorized (401)</title></head><body>The gateway encountered a problem: sign in to reach https://jira.example.com/rest/api/2/myself</body></html>`),
		"of an application server":              between(status, htmlText, `<!doctype html><html lang="en"><head><title>HTTP Status 401 – Unauthorized</title></head><body><h1>HTTP Status 401 – Unauthorized</h1></body></html>`),
		"of a sign-in page":                     between(status, htmlText, `<!DOCTYPE html><html lang="en"><head><title>Sign In</title></head><body><form method="GET" action="/oauth2/start"><button type="submit">Sign in with OpenID Connect</button></form></body></html>`),
	}
}

// betweenForbidden are those with which a mesh, a gateway or an access proxy keeps
// out what it knows.
func betweenForbidden() map[string]Fault {
	const status = http.StatusForbidden
	says := func(body string) Fault { return between(status, jsonText, body) }
	return map[string]Fault{
		"without a word":             between(status, "", ""),
		"of a mesh":                  between(status, plainText, "RBAC: access denied"),
		"of a mesh labelled JSON":    between(status, jsonText, "RBAC: access denied"),
		"of a gateway":               says(`{"message":"Forbidden"}`),
		"of a gateway without token": says(`{"message":"Missing Authentication Token"}`),
		"of a gateway's policy":      says(`{"Message":"User is not authorized to access this resource with an explicit deny"}`),
		"of a gateway's routes":      says(`{"message":"no Route matched"}`),
		"with an error":              says(`{"error":"forbidden"}`),
		"with an error of OAuth":     says(`{"error":"access_denied","error_description":"Access denied"}`),
		"that says nothing":          says(`{}`),
		"with a status":              says(`{"status":"ERROR","message":"Forbidden"}`),
		"with codes of its own":      says(`{"code":403,"status":403,"message":"Forbidden","errors":[]}`),
		"that quotes the vendor":     says(`{"message":"upstream said 403 Forbidden, TF401027, VS403"}`),
		"of an access proxy":         between(status, htmlText, `<!DOCTYPE html><html><head><title>Forbidden ・ Cloudflare Access</title></head><body>You don't have permission to view this.</body></html>`),
		"of an access proxy, bare":   between(status, htmlText, "Forbidden. You don't have permission to view this. Please contact your system administrator."),
		"of a firewall":              between(status, "text/html", "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1></BODY></HTML>"),
		"of a sign-in page":          between(status, htmlText, `<!DOCTYPE html><html><head><title>Sign In</title></head><body></body></html>`),
		"in the form of a problem":   between(status, "application/problem+json", `{"type":"about:blank","title":"Forbidden","status":403}`),
	}
}

func betweenNotFound() map[string]Fault {
	const status = http.StatusNotFound
	return map[string]Fault{
		"in plain text":         between(status, plainText, "404 page not found\n"),
		"of a default backend":  between(status, plainText, "default backend - 404"),
		"that says nothing":     between(status, jsonText, `{}`),
		"of a gateway's routes": between(status, jsonText, `{"message":"no Route matched"}`),
		"without a word":        between(status, "", ""),
	}
}
