package waiting_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/handout"
	"vault-plugin-secrets-sei/backend/waiting"
	"vault-plugin-secrets-sei/providers"
)

// handouts hand out version 1 of one credential, and say when that may change.
type handouts struct {
	changes time.Time
	reads   atomic.Int64
}

func (h *handouts) HandOutBy(context.Context, time.Time, string, string, backend.Actor, func() bool) (*handout.Handout, error) {
	h.reads.Add(1)
	return &handout.Handout{Integration: &backend.Integration{Name: "a"}, Record: &backend.Record{Version: 1, Current: &backend.Stored{}}}, nil
}

func (h *handouts) ChangesAt(*handout.Handout, string) time.Time { return h.changes }

func (*handouts) RecordID(in *backend.Integration) (string, error) { return in.Name, nil }

func (*handouts) Read(context.Context) (*backend.Mount, error) {
	return backend.NewMount(providers.Settings{}), nil
}

// What ends after the longest time that there is between two moments is no reason to read all
// the time.
func TestAnEndInTheYear9999(t *testing.T) {
	for name, at := range map[string]time.Time{
		"never":         {},
		"next year":     time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC),
		"the year 9999": time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from, began := &handouts{changes: at}, time.Now()
				w := waiting.New(from, from, from, time.Now)
				_, warning, err := w.HandOut(t.Context(), waiting.Read{Name: "a", Until: backend.Until{Wait: time.Minute, Version: 1}})
				require.NoError(t, err)
				assert.Empty(t, warning)
				assert.Equal(t, time.Minute, time.Since(began))
				assert.LessOrEqual(t, from.reads.Load(), int64(4))
			})
		})
	}
}
