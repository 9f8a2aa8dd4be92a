package catalog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
	"vault-plugin-secrets-sei/providers/providertest"
)

// A redirect is told by scheme and host alone, whatever else the upstream writes there.
func TestWhereARedirectLeadsIsTold(t *testing.T) {
	const elsewhere = ", which is not followed; if the API has its address there, enter that as url"
	for location, says := range map[string]string{
		"https://new.example.com/user?token=" + token: "to https://new.example.com" + elsewhere,
		"https://new.example.com:8443":                "to https://new.example.com:8443" + elsewhere,
		"HTTPS://NEW.example.com:443/" + token:        "to https://new.example.com" + elsewhere,
		"//new.example.com/x":                         "to https://new.example.com" + elsewhere,
		"http://acme.atlassian.net/":                  "to http://acme.atlassian.net" + elsewhere,
		"https://user:hidden@new.example.com/":        "to https://new.example.com" + elsewhere,
		"https://192.0.2.7:99/x":                      "to https://192.0.2.7:99" + elsewhere,
		"https://[2001:db8::1]/x":                     "to https://[2001:db8::1]" + elsewhere,

		"/login.jsp?" + token:           "another page of its own",
		"login":                         "another page of its own",
		"":                              "which is not followed; check url",
		"https://n\u00e9w.example.com/": "which is not followed; check url",
		"https://evil.example.com%0a%0dX-Injected/": "which is not followed; check url",

		"https://evil.example.com;write-it-to-here.example.org": "which is not followed; check url",
		"https://'evil'!.example.com/":                          "which is not followed; check url",
		"https://" + strings.Repeat("a", 300) + ".example.com/": "which is not followed; check url",
		"javascript:alert(1)":                                   "which is not followed; check url",
		"http://%zz":                                            "which is not followed; check url",
		"ftp://files.example.com/":                              "which is not followed; check url",
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			w := newWorld(t)
			w.Jira.Behave(providertest.Fault{Status: status, Header: map[string]string{"Location": location}})
			_, err := provider(t, "jira").Validate(t.Context(), w.Wire(jiraTarget()), secrets("email", email, "api_key", token))
			refusal := asError(t, err)
			assert.Equal(t, providers.UpstreamError, refusal.Outcome, location)
			assert.Contains(t, refusal.Error(), says, location)
			for _, word := range []string{token, "Injected", "hidden", "evil", "jsp", "aaaa"} {
				assert.NotContains(t, refusal.Error(), word, location)
			}
		}
	}
}

// It is told for each upstream.
func TestEachUpstreamTellsWhereItRedirects(t *testing.T) {
	for _, c := range workers() {
		w := newWorld(t)
		fake, ok := c.fake(w).(interface{ Behave(providertest.Fault) })
		if !assert.True(t, ok, c.name) {
			continue
		}
		fake.Behave(providertest.Fault{Status: 302, Header: map[string]string{"Location": "https://sso.example.net/start?rd=" + token}})
		_, err := provider(t, c.provider).Validate(t.Context(), w.Wire(c.target), c.cred)
		assert.Contains(t, asError(t, err).Error(), "https://sso.example.net,", c.name)
		assert.NotContains(t, asError(t, err).Error(), "start", c.name)
	}
}

// The token endpoint's setting is token_url.
func TestWhereATokenEndpointRedirectsIsTold(t *testing.T) {
	eachOAuth(t, func(t *testing.T, _ *catalogtest.World, c oauthCase) {
		t.Helper()
		c.server.Behave(providertest.Fault{Path: c.path, Status: 302, Header: map[string]string{"Location": "https://new.example.com/token?code=a-code"}})
		_, err := c.client(t).Exchange(t.Context(), hidden("a-code-of-the-test"), hidden(verifier))
		assert.Contains(t, asError(t, err).Error(), "to https://new.example.com, which is not followed; if the API has its address there, enter that as token_url")
		assert.NotContains(t, asError(t, err).Error(), "a-code")
	})
}

// What a web server says of the connection is no word of the API.
func TestAServersWordsOfTheConnection(t *testing.T) {
	html := map[string]string{"Content-Type": "text/html"}
	for body, says := range map[string]string{
		"<html><head><title>400 No required SSL certificate was sent</title></head></html>":                "mutual TLS",
		"<html><head><title>400 The SSL certificate error</title></head></html>":                           "mutual TLS",
		"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>":       "enter url with https://",
		"Client sent an HTTP request to an HTTPS server.\n":                                                "enter url with https://",
		"<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />Instead use https.</p>": "enter url with https://",
	} {
		for _, status := range []int{400, 401, 403} {
			w := newWorld(t)
			w.Jira.Behave(providertest.Fault{Status: status, Header: html, Body: body})
			_, err := provider(t, "jira").Validate(t.Context(), w.Wire(jiraTarget()), secrets("email", email, "api_key", token))
			assert.Equal(t, providers.UpstreamError, asError(t, err).Outcome)
			assert.Contains(t, asError(t, err).Error(), says)
		}
	}
}
