package credential

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

// course is the list of lessons of one record, oldest first. If two lessons describe the same
// token of the same credential, the course keeps only the later description, so it holds at
// most one for each token. Values are immutable.
type course []*Lesson

// with returns the course with more lessons.
func (c course) with(more ...*Lesson) course {
	all := slices.Concat(c, more)
	slices.SortStableFunc(all, func(a, b *Lesson) int { return cmp.Compare(a.Turn, b.Turn) })
	next, later := course{}, map[backend.CredentialState]map[string]providers.Verified{}
	for _, l := range slices.Backward(all) {
		if left := l.without(later[l.state()]); len(left.Told) > 0 {
			next = append(next, left)
			if later[l.state()] == nil {
				later[l.state()] = map[string]providers.Verified{}
			}
			maps.Copy(later[l.state()], left.Told)
		}
	}
	slices.Reverse(next)
	return next
}

// state is that of the credential that the lesson is of.
func (l *Lesson) state() backend.CredentialState {
	return backend.StateOf(l.Version, l.Fingerprint, l.Verified)
}

// without is the lesson without what a later one tells.
func (l *Lesson) without(later map[string]providers.Verified) *Lesson {
	overtaken := func(key string, _ providers.Verified) bool { _, is := later[key]; return is }
	told := maps.Clone(l.Told)
	if maps.DeleteFunc(told, overtaken); len(told) == len(l.Told) {
		return l
	}
	left := *l
	left.Told = told
	return &left
}

// last is the newest lesson; nil where there is none.
func (c course) last() *Lesson {
	if len(c) == 0 {
		return nil
	}
	return c[len(c)-1]
}

// has reports whether a lesson is in the course, whatever of it is left.
func (c course) has(l *Lesson) bool {
	return slices.ContainsFunc(c, func(own *Lesson) bool { return own.Turn == l.Turn })
}

// taught is Lesson.taught by all of them.
func (c course) taught(r *backend.Record) *backend.Record {
	for _, l := range c {
		r = l.taught(r)
	}
	return r
}

// Lessons are the newest of each record, and those that storage did not take. Checks
// overtake each other: an answer to an earlier question must not undo what a later one
// brought.
type Lessons struct {
	backlog *fault.Backlog

	mu     sync.Mutex
	newest map[string]*Lesson // by the key of the record
	// unsaved are those that storage did not take, by the key of the record, and waits is
	// whether there are any: readers need not lock to see that there are none.
	unsaved map[string]course
	waits   atomic.Bool
	turns   uint64
	// changes grows with what is unsaved.
	changes atomic.Uint64
}

// NewLessons returns lessons of nothing.
func NewLessons(backlog *fault.Backlog) *Lessons { return &Lessons{backlog: backlog} }

// turn returns a number that is larger than all before.
func (l *Lessons) turn() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turns++
	return l.turns
}

// offer returns what is to be brought into the record: the lesson, those that storage did
// not take, and the newest one, which may be that which is offered.
func (l *Lessons) offer(x *Lesson) course {
	l.mu.Lock()
	defer l.mu.Unlock()
	newest := l.newest[x.ID]
	if newest == nil || newest.Turn <= x.Turn {
		newest = x
	}
	if l.newest == nil {
		l.newest = map[string]*Lesson{}
	}
	l.newest[x.ID] = newest
	return l.unsaved[x.ID].with(x, newest)
}

// unstored are the lessons of a record that storage did not take.
func (l *Lessons) unstored(id string) course {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unsaved[id]
}

// postpone keeps lessons that storage did not take, and tells why.
func (l *Lessons) postpone(id string, c course, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(id, l.unsaved[id].with(c...))
	l.backlog.Add(backend.CredentialsPrefix+id, why)
}

// stored notes that the record says what the lessons do. Others may be left.
func (l *Lessons) stored(id string, c course) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unsaved[id] != nil {
		l.put(id, slices.DeleteFunc(l.unsaved[id].with(c...), c.has))
	}
}

// Forget drops the lessons of a record: it is gone, or another node knows better.
func (l *Lessons) Forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.newest, id)
	l.put(id, nil)
}

// forgetAll is forget for every record.
func (l *Lessons) forgetAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.newest)
	for id := range l.unsaved {
		l.put(id, nil)
	}
}

// put replaces what is unsaved of a record. The caller holds mu.
func (l *Lessons) put(id string, c course) {
	if _, waited := l.unsaved[id]; waited || len(c) > 0 {
		l.changes.Add(1)
	} else {
		return
	}
	if l.unsaved == nil {
		l.unsaved = map[string]course{}
	}
	l.unsaved[id] = c
	if len(c) == 0 {
		delete(l.unsaved, id)
		l.backlog.Done(backend.CredentialsPrefix + id)
	}
	l.waits.Store(len(l.unsaved) > 0)
}

// prune drops those of records that are gone. What storage did not take is left to
// Door.learnAgain: a record may be newer than the list.
func (l *Lessons) prune(ids map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.newest, func(id string, _ *Lesson) bool { return !ids[id] && l.unsaved[id] == nil })
}
