package bitbucket

import (
	"net/url"
	"strings"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/internal/oauthclient"
	"vault-plugin-secrets-sei/providers/internal/probe"
)

// bitbucketOAuthScope is the right of an OAuth consumer that a check needs.
const bitbucketOAuthScope = "account"

var _ providers.Authorizer = bitbucket{}

// OAuth returns the client of an OAuth consumer. Which rights it has is chosen where
// it is registered, so none are asked for.
//
// https://developer.atlassian.com/cloud/bitbucket/oauth-2/
func (b bitbucket) OAuth(t providers.Target) (providers.OAuthClient, error) {
	c, err := b.oauth(t)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (b bitbucket) oauth(t providers.Target) (*oauthclient.Client, *providers.Error) {
	p := probe.New(b.client, "Bitbucket", providers.OAuthCode, t)
	api, err := bitbucketAPI(p, t.URL)
	if err != nil {
		return nil, err
	}
	root, parseErr := url.Parse(api)
	if parseErr != nil {
		return nil, p.Invalid("url", "url must be an absolute https URL")
	}
	host := strings.TrimPrefix(root.Host, "api.")
	return oauthclient.New(p, t, oauthclient.Server{
		AuthorizeURL:   oauthclient.URL(root.Scheme, host, "/site/oauth2/authorize"),
		TokenURL:       oauthclient.URL(root.Scheme, host, "/site/oauth2/access_token"),
		ClientInHeader: true,
		Refused:        bitbucketTokenRefused,
	})
}

// bitbucketTokenRefused knows that a refresh token which is no good is called an
// invalid request: readthedocs/readthedocs.org issue 2992.
func bitbucketTokenRefused(said oauthclient.TokenRefusal) oauthclient.Refusal {
	text := strings.ReplaceAll(strings.ToLower(said.Description), "_", " ")
	if said.Error == "invalid_request" && strings.Contains(text, "refresh token") {
		return oauthclient.Refusal{Outcome: providers.Rejected}
	}
	return oauthclient.Refusal{}
}
