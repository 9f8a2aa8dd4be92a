package notify

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

const (
	// lookEvery is how often all integrations are compared with what was told.
	lookEvery = time.Minute
	// retryEvery is how soon it is tried again where storage fails.
	retryEvery = 5 * time.Second
	// batch is how many messages are noted as under way at once. They share an entry of
	// storage, so that a message costs less than one write.
	batch = 32
)

// mailbox tells one target, one message at a time, so that each integration's are in
// order, and a receiver that is slow holds up nobody else.
type mailbox struct {
	n    *Notifier
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	target *Target
	// changed are the integrations to look at, all of them where all is set.
	changed map[string]bool
	all     bool
	// eager is set to try again at once, whatever failed before.
	eager bool

	// The rest is of its goroutine alone.
	ledger *ledger
	// pending is from when on there is something to tell, by integration.
	pending map[string]time.Time
	// rests are of integrations whose message was refused for good.
	rests map[string]refused
	// links are those of messages that are being sent, by integration.
	links map[string]link
	// outside is when integrations that the target is not told of were last seen, of which
	// it would be told a swap.
	outside map[string]outsider
	rest    rest
	looked  time.Time
	// failing is what the target did not take last, nil once it took something.
	failing *failure
}

// outsider is an integration that the target was not told of. The last that happened to its
// credential counts as of the moment when that was seen.
type outsider struct{ last Swap }

// refused is until when an integration rests. id is the integration's: another one of its
// name does not.
type refused struct {
	id    string
	until time.Time
}

func newMailbox(n *Notifier, t *Target) *mailbox {
	return &mailbox{
		n: n, target: t, all: true, wake: make(chan struct{}, 1), done: make(chan struct{}), changed: map[string]bool{},
		ledger: newLedger(n.told, t.ID), pending: map[string]time.Time{}, rests: map[string]refused{}, links: map[string]link{},
		outside: map[string]outsider{},
	}
}

// markChanged makes the mailbox compare an integration with what was told of it.
func (m *mailbox) markChanged(name string) {
	m.mu.Lock()
	m.changed[name] = true
	m.mu.Unlock()
	m.call()
}

// use makes it go on with other settings.
func (m *mailbox) use(t *Target) {
	m.mu.Lock()
	m.target, m.all, m.eager = t, true, true
	m.mu.Unlock()
	m.call()
}

// retry makes it try again what failed.
func (m *mailbox) retry() {
	m.mu.Lock()
	m.eager = true
	m.mu.Unlock()
	m.call()
}

func (m *mailbox) call() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// run tells until the context ends.
func (m *mailbox) run(ctx context.Context) {
	defer close(m.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-timer.C:
		}
		if ctx.Err() != nil {
			return
		}
		timer.Reset(max(0, m.round(ctx)))
	}
}

// round looks, tells some of what there is to tell, and returns in how long to come again.
func (m *mailbox) round(ctx context.Context) (pause time.Duration) {
	t := m.begin()
	var err error
	defer func() {
		if cause := recover(); cause != nil { // it would take all mounts down
			err, pause = fault.Panicked(cause), retryEvery
		}
		if err == nil && m.failing != nil && m.due(m.n.now()) > 0 && (m.rest.failures >= toldAfter || m.rest.finals >= manyFinal) {
			err = m.failing.fault()
		}
		if ctx.Err() == nil {
			m.n.noted(t.Name, err)
		}
	}()
	if err = m.compare(ctx, t); err != nil {
		return retryEvery
	}
	err = m.deliver(ctx, t)
	if saved := m.ledger.save(ctx); err == nil {
		err = saved
	}
	m.n.states.change(t.ID, func(s *State) { s.Pending = m.due(m.n.now()) })
	if err != nil {
		return retryEvery
	}
	return m.next()
}

func (m *mailbox) current() *Target {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.target
}

// begin returns the target of a round.
func (m *mailbox) begin() *Target {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.eager {
		m.eager, m.rest = false, rest{}
		clear(m.rests)
	}
	return m.target
}

// compare finds what there is to tell: of what changed, and every minute of all.
func (m *mailbox) compare(ctx context.Context, t *Target) error {
	if err := m.ledger.read(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	changed, all := m.changed, m.all || m.n.now().Sub(m.looked) >= lookEvery
	m.changed, m.all = map[string]bool{}, false
	m.mu.Unlock()
	var err error
	if all {
		err = m.compareAll(ctx, t)
	} else {
		for name := range changed {
			if err = m.compareOne(ctx, t, name); err != nil {
				break
			}
		}
	}
	if err != nil {
		m.mu.Lock()
		m.all = true
		m.mu.Unlock()
	}
	return err
}

func (m *mailbox) compareAll(ctx context.Context, t *Target) error {
	subjects, err := m.n.subjects.All(ctx)
	if err != nil {
		return err
	}
	clear(m.pending)
	there := make(map[string]bool, len(subjects))
	for _, s := range subjects {
		there[s.Name] = true
		m.plan(t, s)
	}
	if err := m.prune(ctx, there); err != nil {
		return err
	}
	m.looked = m.n.now()
	return nil
}

// prune drops what is known of integrations that are gone. One that is there and cannot be
// judged now keeps what was told of it.
func (m *mailbox) prune(ctx context.Context, there map[string]bool) error {
	if !m.ledger.knows(there) {
		names, err := m.n.subjects.Names(ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			there[name] = true
		}
	}
	m.ledger.prune(there)
	m.n.observed.prune(there)
	maps.DeleteFunc(m.outside, func(name string, _ outsider) bool { return !there[name] })
	maps.DeleteFunc(m.links, func(name string, _ link) bool { return !there[name] })
	maps.DeleteFunc(m.rests, func(name string, _ refused) bool { return !there[name] })
	return nil
}

func (m *mailbox) compareOne(ctx context.Context, t *Target, name string) error {
	s, err := m.n.subjects.One(ctx, name)
	if err != nil {
		return err
	}
	if s == nil {
		delete(m.pending, name) // the next look at all drops what was told
		delete(m.rests, name)
		return nil
	}
	m.plan(t, s)
	return nil
}

// plan notes from when on there is something to tell of an integration, and returns it.
func (m *mailbox) plan(t *Target, s *Subject) *news {
	since := m.n.observed.since(s, m.n.now())
	var n *news
	if m.concerns(t, s) {
		n = next(t, m.ledger.of(s.Name), s, since)
	}
	if n == nil || m.rests[s.Name].id != s.ID {
		delete(m.rests, s.Name)
	}
	if n == nil {
		delete(m.pending, s.Name)
		return nil
	}
	m.pending[s.Name] = n.at
	return n
}

// concerns reports whether the target is told of an integration. Of one that it was not told
// of until now, swaps of before are no news.
func (m *mailbox) concerns(t *Target, s *Subject) bool {
	so := m.ledger.of(s.Name)
	if !t.concerns(s) {
		delete(m.outside, s.Name)
		if swapped(t, so.Told.of(s), s) != nil {
			m.outside[s.Name] = outsider{Swap{Event: s.Swaps[0].Event, Time: m.n.now(), Version: s.Version}}
		}
		return false
	}
	seen, was := m.outside[s.Name]
	delete(m.outside, s.Name)
	if was && so.Sending == nil {
		so.Told = so.Told.of(s)
		so.Told = so.Told.past(seen.last)
		m.ledger.set(s.Name, so)
	}
	return true
}

// letter is a message that is about to be sent.
type letter struct {
	subject *Subject
	news    *news
	// before are the tidings before it was begun.
	before tidings
}

// unsent is the tidings where the message under way was not taken. It keeps its number.
func (l letter) unsent(under *sending) tidings {
	so := l.before
	if so.Told.Count == 0 && so.Sending == nil {
		so.Told.Count = under.Then.Count - 1
	}
	return so
}

// deliver tells some of what is due, all of it in one entry of storage. What was begun is
// stored before it is sent, and what was told after.
func (m *mailbox) deliver(ctx context.Context, t *Target) error {
	if m.n.now().Before(m.rest.until) {
		return nil
	}
	letters, err := m.write(ctx, t)
	if err != nil || len(letters) == 0 {
		return err
	}
	// Where storage refuses, it is told all the same: a message that comes twice is better
	// than one that nobody gets.
	err = m.ledger.save(ctx)
	rest, failed := m.sendAll(ctx, t, letters)
	for _, unsent := range rest {
		m.ledger.set(unsent.subject.Name, unsent.before)
	}
	if err == nil {
		err = failed
	}
	return err
}

// sendAll sends letters while it may, and returns those that it did not try to send. Where
// messages may go can change before each of them: a receiver may take long.
func (m *mailbox) sendAll(ctx context.Context, t *Target, letters []letter) ([]letter, error) {
	for i, l := range letters {
		if !m.may(ctx, t) {
			return letters[i:], nil
		}
		allowed, err := m.n.allowed(ctx)
		if err != nil {
			return letters[i:], err
		}
		if !m.send(ctx, t, allowed, l) {
			return letters[i+1:], nil
		}
	}
	return nil, nil
}

// may reports whether a letter may be sent with these settings.
func (m *mailbox) may(ctx context.Context, t *Target) bool {
	return ctx.Err() == nil && m.n.active() && m.current().same(t)
}

// write makes the letters that are due, and notes them as under way.
func (m *mailbox) write(ctx context.Context, t *Target) ([]letter, error) {
	var letters []letter
	for _, name := range m.pick() {
		s, err := m.n.subjects.One(ctx, name)
		if err != nil {
			return nil, err
		}
		if s == nil {
			delete(m.pending, name)
			continue
		}
		now := m.n.now()
		n := m.plan(t, s)
		if n == nil || n.at.After(now) {
			continue
		}
		if err := m.over(ctx, t, n, name); err != nil {
			return nil, err
		}
		before := m.ledger.of(name)
		if n.silent(t) {
			m.ledger.set(name, tidings{Told: n.then})
			m.plan(t, s)
			continue
		}
		if under := n.begun(before, now); under != before {
			m.ledger.set(name, under)
		}
		letters = append(letters, letter{s, n, before})
	}
	return letters, nil
}

// send sends a letter, and reports whether to go on.
func (m *mailbox) send(ctx context.Context, t *Target, allowed providers.AllowedHosts, l letter) bool {
	name, under := l.subject.Name, m.ledger.of(l.subject.Name)
	f := post(ctx, m.n.poster, t, allowed, messageOf(t, l.subject, l.news, under.Sending, m.link(ctx, t, l, under.Sending), m.n.now()), m.n.now())
	now := m.n.now()
	m.n.sent(t, f)
	m.failing = f
	if f == nil {
		m.rest = rest{}
		delete(m.links, name)
		m.ledger.set(name, tidings{Told: under.Sending.Then})
		m.plan(t, l.subject)
		return true
	}
	if f.unsent {
		m.ledger.set(name, l.unsent(under.Sending))
	}
	m.rest.failed(f, now)
	if f.final() {
		m.rests[name] = refused{l.subject.ID, now.Add(finalPause)}
	}
	return !now.Before(m.rest.until)
}

// pick names some that are due, the longest first, all of one entry of storage.
func (m *mailbox) pick() []string {
	now := m.n.now()
	first := ""
	for name := range m.pending {
		if m.ready(name, now) && (first == "" || m.before(name, first) < 0) {
			first = name
		}
	}
	if first == "" {
		return nil
	}
	var picked []string
	for name := range m.pending {
		if bucketOf(name) == bucketOf(first) && m.ready(name, now) {
			picked = append(picked, name)
		}
	}
	slices.SortFunc(picked, m.before)
	return picked[:min(len(picked), batch)]
}

func (m *mailbox) before(a, b string) int {
	if c := m.pending[a].Compare(m.pending[b]); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

func (m *mailbox) ready(name string, now time.Time) bool { return !m.readyAt(name).After(now) }

// readyAt is from when on an integration's message may be sent.
func (m *mailbox) readyAt(name string) time.Time {
	at := m.pending[name]
	if rests := m.rests[name]; rests.until.After(at) {
		return rests.until
	}
	return at
}

// due counts the integrations that there is something to tell of.
func (m *mailbox) due(now time.Time) int {
	n := 0
	for _, at := range m.pending {
		if !at.After(now) {
			n++
		}
	}
	return n
}

// next is in how long there is something to do.
func (m *mailbox) next() time.Duration {
	now := m.n.now()
	soonest := m.looked.Add(lookEvery)
	for name := range m.pending {
		at := m.readyAt(name)
		if m.rest.until.After(at) {
			at = m.rest.until
		}
		if at.Before(soonest) {
			soonest = at
		}
	}
	return soonest.Sub(now)
}
