package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"vault-plugin-secrets-sei/providers"
	"vault-plugin-secrets-sei/providers/catalog"
	"vault-plugin-secrets-sei/providers/providertest"
)

// result is how an attempt ended.
type result struct {
	attempt
	got providers.Outcome
	// who are the names and ids of the account that the check learnt.
	who       []string
	exchanges []exchange
}

// ok reports whether it ended as it should.
func (r result) ok() bool { return r.got == r.want }

// try runs the attempts one after the other, each as a check of its own.
func (p plan) try(ctx context.Context, version string, person io.Writer) ([]result, error) {
	var telling sync.Mutex
	tell := func(format string, args ...any) {
		telling.Lock()
		defer telling.Unlock()
		_, _ = fmt.Fprintf(person, "live: "+format+"\n", args...)
	}
	r, err := newRecorder(p, tell)
	if err != nil {
		return nil, err
	}
	internet := providertest.NewInternet()
	defer internet.Close()
	target, err := p.target(internet, r)
	if err != nil {
		return nil, err
	}
	registry := catalog.All(version)
	defer registry.Close()
	checks, _ := registry.Provider(p.provider)
	var results []result
	for _, a := range p.attempts {
		r.begin(a.name)
		v, err := checks.Validate(ctx, target, a.cred)
		results = append(results, p.ended(a, v, err, tell))
	}
	for _, e := range r.recorded() {
		for i := range results {
			if results[i].name == e.attempt {
				results[i].exchanges = append(results[i].exchanges, e)
			}
		}
	}
	return results, ctx.Err()
}

// target leads the check through the recorder, to the named hosts and no others.
func (p plan) target(internet *providertest.Internet, r *recorder) (providers.Target, error) {
	entries := []string{internet.ProxyURL()}
	for _, authority := range p.hosts {
		host, _, _ := net.SplitHostPort(authority)
		internet.Handle(host, r)
		entries = append(entries, "https://"+authority)
	}
	allowed, err := providers.ParseAllowedHosts(entries)
	if err != nil {
		return providers.Target{}, fmt.Errorf("%sURL or %sHOSTS names a host that cannot be called: %w", prefix, prefix, err)
	}
	settings := p.settings.Clone()
	settings.Texts["proxy_url"], settings.Texts["ca_cert"], settings.Texts["tls_server_name"] = internet.ProxyURL(), internet.CAPEM(), ""
	return providers.Target{URL: p.url, AuthType: p.auth.Name, Settings: settings, AllowedHosts: allowed}, nil
}

func (p plan) ended(a attempt, v providers.Verified, err error, tell func(format string, args ...any)) result {
	res := result{attempt: a, who: []string{v.Identity, v.AccountID}}
	for _, m := range v.Members {
		res.who = append(res.who, m.Identity, m.AccountID)
	}
	for _, warning := range v.Warnings {
		tell("%s: %s", a.name, warning)
	}
	if err == nil {
		return res
	}
	res.got = providers.UpstreamError
	var failure *providers.Error
	if errors.As(err, &failure) {
		res.got = failure.Outcome
		tell("%s: %s", a.name, failure.Detail)
	}
	return res
}
