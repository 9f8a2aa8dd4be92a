package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/notify"
	"vault-plugin-secrets-sei/providers"
)

// fleet is what is so, as a test decides.
type fleet struct {
	mu      sync.Mutex
	by      map[string]notify.Subject
	broken  map[string]bool // cannot be judged
	changed func(name string)
}

func (f *fleet) All(context.Context) ([]*notify.Subject, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*notify.Subject
	for _, name := range slices.Sorted(maps.Keys(f.by)) {
		if s := f.by[name]; !f.broken[name] {
			all = append(all, &s)
		}
	}
	return all, nil
}

func (f *fleet) Names(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.by)), nil
}

// breaks has an integration that cannot be judged any more, or can again.
func (f *fleet) breaks(name string, broken bool) {
	f.mu.Lock()
	f.broken = map[string]bool{name: broken}
	f.mu.Unlock()
	f.changed(name)
}

func (f *fleet) One(_ context.Context, name string) (*notify.Subject, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken[name] {
		return nil, errors.New("the record cannot be decoded")
	}
	if s, ok := f.by[name]; ok {
		return &s, nil
	}
	return nil, nil //nolint:nilnil // there is none
}

// set changes an integration, which is made if there is none.
func (f *fleet) set(name string, change func(*notify.Subject)) {
	f.mu.Lock()
	if f.by == nil {
		f.by = map[string]notify.Subject{}
	}
	s, ok := f.by[name]
	if !ok {
		s = notify.Subject{Name: name, ID: "id-of-" + name, Provider: "jira", Status: backend.StatusHealthy, Version: 1, Identity: "mia@example.com", Fingerprint: "f00d"}
	}
	before := s.Status
	change(&s)
	if s.Status != before {
		s.Since = time.Now()
	}
	f.by[name] = s
	f.mu.Unlock()
	f.changed(name)
}

// is gives integrations a status.
func (f *fleet) is(status backend.Status, names ...string) {
	for _, name := range names {
		f.set(name, func(s *notify.Subject) {
			s.Status, s.Code, s.Message = status, "", ""
			if status != backend.StatusHealthy && status != backend.StatusExpiring {
				s.Code, s.Message = "code_of_"+string(status), "the reason"
			}
		})
	}
}

func (f *fleet) gone(name string) {
	f.mu.Lock()
	delete(f.by, name)
	f.mu.Unlock()
	f.changed(name)
}

// got is a message that a receiver got.
type got struct {
	at     time.Time
	host   string
	id     string
	header map[string]string
	body   string
	rule   providers.AllowedHosts
	Type   string `json:"type"`
	Data   struct {
		Integration    string `json:"integration"`
		Status         string `json:"status"`
		PreviousStatus string `json:"previous_status"`
		Version        int    `json:"version"`
		Code           string `json:"code"`
	} `json:"data"`
}

func (g got) String() string { return g.Data.Integration + " " + strings.TrimPrefix(g.Type, "sei.") }

// answer is how a receiver answers.
type answer func(ctx context.Context, g got) (providers.Posted, error)

// post is every receiver: what it got, and how it answers, by the host of its address.
type post struct {
	mu      sync.Mutex
	got     []got
	answers map[string]answer
}

func (*post) Check(p providers.Posting) error {
	if !strings.HasPrefix(p.URL.Reveal(), "https://") {
		return &providers.Error{Outcome: providers.AddressNotAllowed, Fields: []string{"url"}, Detail: "it is not https"}
	}
	return nil
}

func (p *post) Post(ctx context.Context, m providers.Posting) (providers.Posted, error) {
	g := got{at: time.Now(), id: m.Header["webhook-id"], header: m.Header, body: string(m.Body), rule: m.AllowedHosts}
	g.host, _, _ = strings.Cut(strings.TrimPrefix(m.URL.Reveal(), "https://"), "/")
	if err := json.Unmarshal(m.Body, &g); err != nil {
		return providers.Posted{}, err
	}
	p.mu.Lock()
	reply := p.answers[g.host]
	p.mu.Unlock()
	if reply == nil {
		reply = takes
	}
	posted, err := reply(ctx, g)
	var failed *providers.PostError
	if err == nil && posted.Status < 300 || errors.As(err, &failed) && !failed.Unsent {
		p.mu.Lock()
		p.got = append(p.got, g)
		p.mu.Unlock()
	}
	return posted, err
}

func (p *post) answer(host string, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers == nil {
		p.answers = map[string]answer{}
	}
	p.answers[host] = a
}

// at returns what a host got.
func (p *post) at(host string) []got {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []got
	for _, g := range p.got {
		if g.host == host {
			list = append(list, g)
		}
	}
	return list
}

func takes(context.Context, got) (providers.Posted, error) { return providers.Posted{Status: 204}, nil }

// drops takes the message and breaks the connection before it answers.
func drops(context.Context, got) (providers.Posted, error) {
	return providers.Posted{}, &providers.PostError{Outcome: providers.Unreachable, Detail: "the connection broke"}
}

// away is a port where nobody listens.
func away(context.Context, got) (providers.Posted, error) {
	return providers.Posted{}, &providers.PostError{Outcome: providers.Unreachable, Detail: "refused the connection", Unsent: true}
}

// stalls takes the message and does not answer.
func stalls(ctx context.Context, _ got) (providers.Posted, error) {
	<-ctx.Done()
	return providers.Posted{}, &providers.PostError{Outcome: providers.Unreachable, Detail: "did not answer"}
}

func says(status int, retryAfter time.Duration) answer {
	return func(context.Context, got) (providers.Posted, error) {
		return providers.Posted{Status: status, RetryAfter: retryAfter}, nil
	}
}

// world is a notifier in a bubble.
type world struct {
	desk desk
	*notify.Notifier
	t       *testing.T
	storage logical.Storage
	fleet   *fleet
	post    *post
	stop    context.CancelFunc
	done    chan struct{}
	mu      sync.Mutex
	faults  map[string]string
	active  bool
	// narrow is the mount's rule, "" for none.
	narrow string
}

func (w *world) allowed(context.Context) (providers.AllowedHosts, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.narrow == "" {
		return providers.AllowedHosts{}, nil
	}
	return providers.ParseAllowedHosts([]string{w.narrow})
}

// allow narrows which hosts may be called.
func (w *world) allow(host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.narrow = host
}

func newWorld(t *testing.T, storage logical.Storage) *world {
	t.Helper()
	w := &world{t: t, storage: storage, fleet: &fleet{}, post: &post{}, active: true}
	w.start()
	t.Cleanup(func() { w.end() })
	return w
}

// start begins a notifier that knows nothing but what is stored.
func (w *world) start(prepare ...func(*notify.Notifier)) {
	w.faults = map[string]string{}
	n := notify.New(notify.Dependencies{
		Targets: logical.NewStorageView(w.storage, backend.NotifyPrefix), Told: logical.NewStorageView(w.storage, backend.NotifiedPrefix), Subjects: w.fleet, Poster: w.post, Now: time.Now, Fault: w.fault, Inviter: w,
		AllowedHosts: w.allowed,
	})
	w.Notifier, w.fleet.changed = n, n.Changed
	for _, p := range prepare {
		p(n)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	w.stop, w.done = stop, done
	go func() {
		defer close(done)
		n.Run(ctx, w.isActive)
	}()
}

func (w *world) end() {
	w.stop()
	<-w.done
}

func (w *world) restart() {
	w.end()
	w.start()
}

func (w *world) fault(target string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.faults, target)
	if err != nil {
		w.faults[target] = err.Error()
	}
}

func (w *world) faulty() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.faults)
}

func (w *world) isActive() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active
}

func (w *world) activate(active bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.active = active
}

// target writes a target that posts to the host of its name.
func (w *world) target(name string, change ...func(*providers.Settings)) {
	w.t.Helper()
	s := providers.Settings{}.Clone()
	s.Secrets["url"] = providers.NewSecret("https://" + name + "/hook/canary-of-" + name)
	for _, c := range change {
		c(&s)
	}
	require.NoError(w.t, w.Write(w.t.Context(), name, "sei/", s))
}

func list(field string, elements ...string) func(*providers.Settings) {
	return func(s *providers.Settings) { s.Lists[field] = elements }
}

// wait lets time pass.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// said are the messages that a host got, those with the same id once.
func (w *world) said(host string) []string {
	var texts []string
	seen := map[string]bool{}
	for _, g := range w.post.at(host) {
		if !seen[g.id] {
			texts = append(texts, g.String())
		}
		seen[g.id] = true
	}
	return texts
}

func named(n int) []string {
	names := make([]string, 0, n)
	for i := range n {
		names = append(names, fmt.Sprintf("integration-%05d", i))
	}
	return names
}
