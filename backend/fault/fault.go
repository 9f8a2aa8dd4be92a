package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
	"vault-plugin-secrets-sei/providers"
)

// Deed is what the engine does while nobody asks.
type Deed string

// The deeds that can go wrong.
const (
	DeedList     Deed = "reading the integrations"
	DeedVisit    Deed = "reading the integration"
	DeedCheck    Deed = "checking the credential"
	DeedStore    Deed = "storing what checks find"
	DeedMaintain Deed = "taking care of the credentials"
	DeedResume   Deed = "taking up a rotation that was cut off"
	DeedErase    Deed = "erasing the credential kept to roll back to"
	DeedRotate   Deed = "rotating the credential"
	DeedRefresh  Deed = "renewing the access token"
	DeedNotify   Deed = "reading the targets of notifications"
)

// Fault is something that goes wrong while nobody asks, from when it did first. It
// holds no secret, whatever failed.
type Fault struct {
	Deed        Deed
	Integration string // "" where it is about all
	Reason      string
	Since       time.Time
	// Stack is that of a panic, "" for others. It shows addresses only.
	Stack string
	// told is set once it was told.
	told bool
}

// Sentence says what goes wrong, and what follows from it.
func (f Fault) Sentence() string {
	text := string(f.Deed)
	if f.Integration != "" {
		text += " of " + f.Integration
	}
	text = fmt.Sprintf("%s fails since %s: %s", text, f.Since.UTC().Format(time.RFC3339), f.Reason)
	if f.Deed == DeedStore {
		text += "; what could not be stored is kept in memory until it can be, and a restart loses it"
	}
	return text
}

// Tell takes a fault that began or ended. It must not block.
type Tell func(f Fault, ended bool)

const (
	// maxTold is how many faults are told within toldWithin: ten thousand integrations
	// must not write ten thousand lines. Those that are not told in time are told later.
	maxTold    = 10
	toldWithin = time.Minute
	// longestReason is what is kept of a reason.
	longestReason = 300
)

type faultKey struct {
	deed Deed
	name string
}

// Faults are what goes wrong now. Each is told once, and once more when it ends.
type Faults struct {
	mu      sync.Mutex
	now     func() time.Time
	tell    Tell
	current map[faultKey]*Fault
	// told are those of the window that began at since.
	told  int
	since time.Time
}

// New returns faults of nothing.
func New(now func() time.Time) *Faults { return &Faults{now: now} }

// Note notes how a deed ended, nil for well. A request that was given up is neither.
func (f *Faults) Note(deed Deed, name string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := faultKey{deed, name}
	known := f.current[key]
	if err == nil {
		if known != nil {
			delete(f.current, key)
			f.ended(known)
		}
		return
	}
	if known == nil {
		known = &Fault{Deed: deed, Integration: name, Since: f.now()}
		if f.current == nil {
			f.current = map[faultKey]*Fault{}
		}
		f.current[key] = known
	}
	known.Reason, known.Stack = reason(err)
	f.began(known)
}

// Happened tells of a fault of a request, which is over with it.
func (f *Faults) Happened(deed Deed, name string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := &Fault{Deed: deed, Integration: name, Since: f.now()}
	fault.Reason, fault.Stack = reason(err)
	f.began(fault)
}

// began tells of a fault unless that was done. The caller holds mu.
func (f *Faults) began(fault *Fault) {
	now := f.now()
	if age := now.Sub(f.since); age < 0 || age >= toldWithin {
		f.since, f.told = now, 0
	}
	if fault.told || f.told >= maxTold || f.tell == nil {
		return
	}
	f.told++
	fault.told = true
	f.tell(*fault, false)
}

// ended tells that a fault is over that was told. The caller holds mu.
func (f *Faults) ended(fault *Fault) {
	if fault.told {
		f.tell(*fault, true)
	}
}

// Over ends the faults of deeds that have nothing left to do with an integration.
func (f *Faults) Over(name string, deeds ...Deed) {
	for _, deed := range deeds {
		f.Note(deed, name, nil)
	}
}

// Forget drops all, and says nothing: another node was active meanwhile.
func (f *Faults) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.current)
}

// Prune drops those of integrations that are gone.
func (f *Faults) Prune(names map[string]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.current, func(key faultKey, _ *Fault) bool { return key.name != "" && !names[key.name] })
}

// All returns those of the given integration and those about all, or with "" every one;
// those about all first. Of a rotation a Trouble tells.
func (f *Faults) All(name string) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Fault
	for key, fault := range f.current {
		if key.deed != DeedRotate && (name == "" || key.name == "" || key.name == name) {
			list = append(list, *fault)
		}
	}
	slices.SortFunc(list, func(a, b Fault) int {
		return strings.Compare(a.Integration+"\x00"+string(a.Deed), b.Integration+"\x00"+string(b.Deed))
	})
	return list
}

// TellTo makes tell know what goes wrong. Call it before anything else.
func (f *Faults) TellTo(tell Tell) { f.tell = tell }

// brokeOff is a panic: only its type is kept, because what was panicked with may quote
// a secret.
type brokeOff struct{ providers.Panic }

// Panicked is the error of a panic.
func Panicked(cause any) error { return BrokenOff(providers.Panicked(cause)) }

// BrokenOff is the error of a provider's panic.
func BrokenOff(p *providers.Panic) error { return &brokeOff{*p} }

// IsPanic reports whether an error is of a panic.
func IsPanic(err error) bool {
	var broke *brokeOff
	return errors.As(err, &broke)
}

// Error says what it was.
func (b *brokeOff) Error() string { return "it broke off with an internal error, " + b.Type }

// Unexpected is an error that is no refusal: those are seen by the caller that is refused.
func Unexpected(err error) error {
	var refused *backend.Error
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// reason is what can be said of an error without quoting what nobody knows to be free
// of secrets.
func reason(err error) (text, stack string) {
	var (
		refused *backend.Error
		broke   *brokeOff
		storage store.Failure
	)
	switch {
	case errors.As(err, &broke):
		return broke.Error(), broke.Stack
	case errors.As(err, &refused):
		return oneLine(refused.Code + ": " + refused.Message), ""
	case errors.Is(err, store.ErrUndecodable):
		return "its entry in storage cannot be decoded", ""
	case errors.As(err, &storage):
		return oneLine("storage: " + storage.Error()), ""
	case errors.Is(err, context.DeadlineExceeded):
		return "it did not end within its time limit", ""
	default:
		return fmt.Sprintf("an unexpected error of type %T", err), ""
	}
}

// oneLine is a text for a log: short, and without what would begin another line.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	return text[:min(len(text), longestReason)]
}
