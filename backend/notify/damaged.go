package notify

import (
	"sync"

	"vault-plugin-secrets-sei/backend/store"
)

// damaged are the targets whose entries cannot be decoded. It is safe for concurrent use.
type damaged struct {
	mu    sync.Mutex
	names map[string]bool
}

// are takes all targets, of which those are nil, and tells which are damaged and which are
// not any more.
func (d *damaged) are(all map[string]*Target, fault func(target string, err error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.names
	d.names = map[string]bool{}
	for name, t := range all {
		if t == nil {
			d.names[name] = true
			fault(name, store.ErrUndecodable)
		}
	}
	for name := range before {
		if !d.names[name] {
			fault(name, nil)
		}
	}
}

func (d *damaged) any() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.names) > 0
}

func (d *damaged) is(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[name]
}
