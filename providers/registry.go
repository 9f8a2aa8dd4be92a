package providers

import (
	"slices"
	"time"
)

// Registry holds the providers of this build. It is safe for concurrent use.
type Registry struct {
	byName map[string]Provider
	specs  map[string]Spec
	names  []string
	close  func()
	timing func(observe func(title string, took time.Duration))
	poster Poster
}

// NewRegistry returns a registry of just these providers.
func NewRegistry(all ...Provider) *Registry {
	r := &Registry{byName: make(map[string]Provider, len(all)), specs: make(map[string]Spec, len(all)), close: func() {}, timing: func(func(string, time.Duration)) {}}
	for _, p := range all {
		spec := p.Spec()
		name := spec.Name
		r.byName[name], r.specs[name] = p, spec
		r.names = append(r.names, name)
	}
	return r
}

// OnClose sets what Close releases: the connections that the providers share. Call it
// before the registry is used. It returns the registry.
func (r *Registry) OnClose(release func()) *Registry {
	r.close = release
	return r
}

// OnTiming sets how TimeRequests learns of requests: begin has observe called for each, with
// the title of the provider that sent it. It returns the registry.
func (r *Registry) OnTiming(begin func(observe func(title string, took time.Duration))) *Registry {
	r.timing = begin
	return r
}

// TimeRequests has observe called, from any goroutine, with how long each request to an
// upstream took, and the name of its provider. Call it before the registry is used.
func (r *Registry) TimeRequests(observe func(provider string, took time.Duration)) {
	names := make(map[string]string, len(r.names))
	for name, spec := range r.specs {
		names[spec.Title] = name
	}
	r.timing(func(title string, took time.Duration) {
		if name := names[title]; name != "" { // else it went to no upstream
			observe(name, took)
		}
	})
}

// Posts sets what Poster returns. Call it before the registry is used. It returns the
// registry.
func (r *Registry) Posts(poster Poster) *Registry {
	r.poster = poster
	return r
}

// Poster returns what posts messages by the client that the providers share; nil where
// there is none.
func (r *Registry) Poster() Poster { return r.poster }

// Provider returns the provider of that name.
func (r *Registry) Provider(name string) (Provider, bool) {
	p, ok := r.byName[name]
	return p, ok
}

// Spec returns what the provider of that name is, without making it anew; the zero value
// if there is none.
func (r *Registry) Spec(name string) Spec { return r.specs[name] }

// Names returns the providers' names in the order of the documentation.
func (r *Registry) Names() []string { return slices.Clone(r.names) }

// Close drops idle connections.
func (r *Registry) Close() { r.close() }
