package sei

import (
	"encoding/base64"
	"encoding/json"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/plugin/pb"
	"github.com/stretchr/testify/require"
)

// BenchmarkScrape is what a scrape of 10,000 integrations costs, beside status and a list of
// names: the engine's work, and what is written to Vault's process and read there. Each
// finds nothing that was seen within the last second, as a scraper does.
func BenchmarkScrape(b *testing.B) {
	f := newFleet(b, 10_000)
	for name, ask := range map[string]func(b *testing.B){
		"metrics":      func(b *testing.B) { b.Helper(); f.crosses(b, f.do(b, logical.ReadOperation, "metrics", nil)) },
		"status":       func(b *testing.B) { b.Helper(); f.crosses(b, f.do(b, logical.ReadOperation, "status", nil)) },
		"integrations": func(b *testing.B) { b.Helper(); f.crosses(b, f.do(b, logical.ListOperation, "integrations/", nil)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			begun := processorTime(b)
			for b.Loop() {
				f.ahead += 2 * time.Second
				ask(b)
			}
			b.ReportMetric(float64((processorTime(b)-begun).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// crosses does what is done with an answer on its way through Vault's process: it is written
// to that and read there, and then written to whoever asked.
func (f *fleet) crosses(b *testing.B, resp *logical.Response) {
	b.Helper()
	sent, err := pb.LogicalResponseToProtoResponse(resp)
	require.NoError(b, err)
	got, err := pb.ProtoResponseToLogicalResponse(sent)
	require.NoError(b, err)
	var last []byte
	if text, raw := got.Data[logical.HTTPRawBody].(string); raw {
		last, err = base64.StdEncoding.DecodeString(text)
	} else {
		last, err = json.Marshal(logical.LogicalResponseToHTTPResponse(got))
	}
	require.NoError(b, err)
	b.SetBytes(int64(len(last)))
}

// processorTime is what this process has used, which other processes do not lengthen.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
