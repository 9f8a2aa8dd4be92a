package providers

import (
	"net/url"
	"strings"
)

// bitbucketOAuthScope is the right of an OAuth consumer that a check needs.
const bitbucketOAuthScope = "account"

var _ Authorizer = bitbucket{}

// OAuth returns the client of an OAuth consumer. Which rights it has is chosen where
// it is registered, so none are asked for.
//
// https://developer.atlassian.com/cloud/bitbucket/oauth-2/
func (b bitbucket) OAuth(t Target) (OAuthClient, error) {
	c, err := b.oauth(t)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (b bitbucket) oauth(t Target) (*oauthClient, *Error) {
	p := newProbe(b.client, "Bitbucket", OAuthCode, t)
	api, err := bitbucketAPI(p, t.URL)
	if err != nil {
		return nil, err
	}
	root, parseErr := url.Parse(api)
	if parseErr != nil {
		return nil, p.invalid("url", "url must be an absolute https URL")
	}
	host := strings.TrimPrefix(root.Host, "api.")
	return newOAuthClient(p, t, oauthServer{
		authorizeURL:   oauthURL(root.Scheme, host, "/site/oauth2/authorize"),
		tokenURL:       oauthURL(root.Scheme, host, "/site/oauth2/access_token"),
		clientInHeader: true,
		refused:        bitbucketTokenRefused,
	})
}

// bitbucketTokenRefused knows that a refresh token which is no good is called an
// invalid request: readthedocs/readthedocs.org issue 2992.
func bitbucketTokenRefused(said tokenRefusal) refusal {
	text := strings.ReplaceAll(strings.ToLower(said.Description), "_", " ")
	if said.Error == "invalid_request" && strings.Contains(text, "refresh token") {
		return refusal{outcome: Rejected}
	}
	return refusal{}
}
