package backend

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever is in storage, reading it does not panic, and what is read is written
// back the same.
func FuzzStored(f *testing.F) {
	for _, record := range []*Record{pooled(), {}, {Version: 3}} {
		data, err := EncodeRecord(record)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"version":1,"current":{},"fields":{"a":[]}}`))
	f.Add([]byte(`{"version":1,"x":{"a":[1e9]},"X":2,"current":{"url":"u","y":"\u2028","Identity":""},"fields":{"a":["b"]},"history":[{"z":null}]}`))
	f.Add([]byte(`{"current":null,"fields":{"a":["b"]},"history":[{"time":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := DecodeRecord("x", data)
		if err != nil {
			return
		}
		again, err := EncodeRecord(record)
		if err != nil {
			return // a time that cannot be written
		}
		back, err := DecodeRecord("x", again)
		require.NoError(t, err)
		third, err := EncodeRecord(back)
		require.NoError(t, err)
		assert.Equal(t, string(again), string(third))
	})
}
