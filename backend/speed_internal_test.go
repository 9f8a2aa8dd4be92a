package backend

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/providers"
)

// ordinary is a record with one replaced credential and its history.
func ordinary(n int) *Record {
	who := Actor{Via: fmt.Sprintf("reauth/i%06d", n), DisplayName: "token"}
	now := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	record := &Record{}
	for i := range 2 {
		before := record
		next := &Stored{
			Credential:  providers.NewCredential(map[string][]providers.Secret{"pat": {providers.NewSecret(fmt.Sprintf("ghp_%036d", n))}}),
			Fingerprint: fmt.Sprintf("%015d%d", n, i), Identity: "mia", AccountID: fmt.Sprint(n), Scopes: []string{"read:org", "repo"}, VerifiedAt: now,
		}
		record = record.Swapped(next, CauseReauth, who, 20)
		record = record.WithPrevious(before, now.Add(time.Hour))
	}
	return record
}

func BenchmarkEncodeRecord(b *testing.B) {
	record := ordinary(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := EncodeRecord(record); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRecord(b *testing.B) {
	data, err := EncodeRecord(ordinary(1))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeRecord("a", data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemoryOfRecord reports what a record takes that was read from storage.
func BenchmarkMemoryOfRecord(b *testing.B) {
	var before, after runtime.MemStats
	kept := make([]*Record, 0, b.N)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range b.N {
		data, err := EncodeRecord(ordinary(n))
		require.NoError(b, err)
		record, err := DecodeRecord("a", data)
		require.NoError(b, err)
		kept = append(kept, record)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "kept-B/op")
	runtime.KeepAlive(kept)
}
