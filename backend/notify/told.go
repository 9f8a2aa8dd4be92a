package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/store"
)

// buckets is the number of storage entries that a target's state is spread over. With ten
// thousand integrations that have all been told of, an entry has some ten kilobytes;
// storages take up to half a megabyte.
const buckets = 256

// told is what a target was last told of an integration. The zero value is of one that
// it was told nothing of. Values are immutable.
type told struct {
	// Count goes up with each message; it makes the ids of two that say the same different.
	// It begins at the time of the first, so that they are different, too, where what was
	// told was lost.
	Count int `json:"n,omitempty"`
	// ID is that of the integration.
	ID string `json:"id,omitempty"`
	// Status is the bad one that was told last and still stands, "" for none, and Code the
	// code that was told with it.
	Status backend.Status `json:"status,omitempty"`
	Code   string         `json:"code,omitempty"`
	// Rotation is the version of the credential whose failed rotation was told and still
	// stands, 0 for none.
	Rotation int `json:"rotation,omitempty"`
	// Swap is when the newest swap that was told happened, SwapVersion its version and SwapEvent
	// what it was: the clock of the node that made the next one may be behind. 0 and "" where
	// that was not noted.
	Swap        time.Time `json:"swap,omitzero"`
	SwapVersion int       `json:"swap_version,omitempty"`
	SwapEvent   Event     `json:"swap_event,omitempty"`
}

// knows reports whether a swap was told, or was before one that was.
func (t told) knows(s Swap) bool {
	return !s.Time.After(t.Swap) && (t.SwapVersion == 0 || s.Version <= t.SwapVersion) && !t.forgets(s)
}

// forgets reports whether a swap is the forgetting of the version that was told last. That is
// the last of a version, and does not raise it.
func (t told) forgets(s Swap) bool {
	return s.Event == Forget && s.Version == t.SwapVersion && t.SwapEvent != "" && t.SwapEvent != Forget
}

// past is what was told with a swap and all before it. It never goes back.
func (t told) past(s Swap) told {
	if s.Time.After(t.Swap) {
		t.Swap = s.Time.UTC().Round(0) // as it is stored
	}
	if s.Version >= t.SwapVersion {
		t.SwapVersion, t.SwapEvent = s.Version, s.Event
	}
	return t
}

// of is what was told of an integration, without what was of another one that had its name.
func (t told) of(s *Subject) told {
	if t.ID != s.ID {
		t = told{Count: t.Count}
	}
	t.ID = s.ID
	return t
}

// tidings are what was told, and what is being told: what was begun to be sent, and may
// have arrived.
type tidings struct {
	Told    told     `json:"told,omitzero"`
	Sending *sending `json:"sending,omitempty"`
}

// sending is a message under way, and what will have been told once it arrived.
type sending struct {
	Event Event     `json:"event"`
	At    time.Time `json:"at"`
	Then  told      `json:"then"`
}

// ledger is what one target was told. It is used by one goroutine.
type ledger struct {
	view   logical.Storage
	prefix string
	// by are the tidings of integrations in each bucket, nil before they were read.
	by map[int]map[string]*tidings
	// unsaved are the buckets that differ from storage.
	unsaved map[int]bool
}

func newLedger(view logical.Storage, id string) *ledger {
	return &ledger{view: view, prefix: id + "/", unsaved: map[int]bool{}}
}

func bucketOf(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return int(h.Sum32() % buckets)
}

func (l *ledger) key(bucket int) string { return fmt.Sprintf("%s%02x", l.prefix, bucket) }

// read reads all, unless that was done. An entry that cannot be decoded counts for none:
// the target is told again.
func (l *ledger) read(ctx context.Context) error {
	if l.by != nil {
		return nil
	}
	keys, err := l.view.List(ctx, l.prefix)
	if err != nil {
		return fmt.Errorf("storage: listing: %w", err)
	}
	by := map[int]map[string]*tidings{}
	for _, key := range keys {
		var bucket int
		if _, err := fmt.Sscanf(key, "%02x", &bucket); err != nil || l.key(bucket) != l.prefix+key {
			continue
		}
		entry, err := l.view.Get(ctx, l.prefix+key)
		if err != nil {
			return fmt.Errorf("storage: reading %q: %w", backend.NotifiedPrefix+l.prefix+key, err)
		}
		if entry == nil {
			continue
		}
		var stored map[string]*tidings
		if json.Unmarshal(entry.Value, &stored) == nil {
			by[bucket] = stored
		}
	}
	l.by = by
	return nil
}

// of returns the tidings of an integration.
func (l *ledger) of(name string) tidings {
	if t := l.by[bucketOf(name)][name]; t != nil {
		return *t
	}
	return tidings{}
}

// set notes the tidings of an integration, to be saved.
func (l *ledger) set(name string, t tidings) {
	bucket := bucketOf(name)
	l.unsaved[bucket] = true
	if t == (tidings{}) {
		delete(l.by[bucket], name)
		return
	}
	if l.by[bucket] == nil {
		l.by[bucket] = map[string]*tidings{}
	}
	l.by[bucket][name] = &t
}

// knows reports whether all of which there are tidings are among these names.
func (l *ledger) knows(names map[string]bool) bool {
	for _, all := range l.by {
		for name := range all {
			if !names[name] {
				return false
			}
		}
	}
	return true
}

// prune drops the tidings of integrations that are gone.
func (l *ledger) prune(names map[string]bool) {
	for bucket, all := range l.by {
		for name := range all {
			if !names[name] {
				delete(all, name)
				l.unsaved[bucket] = true
			}
		}
	}
}

// save writes what differs from storage. A write does not end with ctx once it is begun.
func (l *ledger) save(ctx context.Context) error {
	var failed error
	for bucket := range l.unsaved {
		if err := l.write(ctx, bucket); err != nil {
			failed = errors.Join(failed, err)
			break // storage refuses writes, and would refuse the others, too
		}
		delete(l.unsaved, bucket)
	}
	return failed
}

func (l *ledger) write(ctx context.Context, bucket int) error {
	ctx, cancel := store.Uncut(ctx)
	defer cancel()
	if len(l.by[bucket]) == 0 {
		if err := l.view.Delete(ctx, l.key(bucket)); err != nil {
			return fmt.Errorf("storage: deleting %q: %w", backend.NotifiedPrefix+l.key(bucket), err)
		}
		return nil
	}
	data, err := json.Marshal(l.by[bucket])
	if err != nil {
		return err
	}
	if err := l.view.Put(ctx, &logical.StorageEntry{Key: l.key(bucket), Value: data}); err != nil {
		return fmt.Errorf("storage: writing %q: %w", backend.NotifiedPrefix+l.key(bucket), err)
	}
	return nil
}

// sweepLedgers removes what was told to targets that are gone.
func sweepLedgers(ctx context.Context, view logical.Storage, ids map[string]bool) error {
	found, err := view.List(ctx, "")
	if err != nil {
		return fmt.Errorf("storage: listing: %w", err)
	}
	for _, folder := range found {
		if id := folder[:max(0, len(folder)-1)]; folder != id+"/" || ids[id] {
			continue
		}
		keys, err := view.List(ctx, folder)
		if err != nil {
			return fmt.Errorf("storage: listing: %w", err)
		}
		for _, key := range keys {
			if err := view.Delete(ctx, folder+key); err != nil {
				return fmt.Errorf("storage: deleting %q: %w", backend.NotifiedPrefix+folder+key, err)
			}
		}
	}
	return nil
}
