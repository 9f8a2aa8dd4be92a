package sei

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-sei/internal/histories"
	"vault-plugin-secrets-sei/providers"
)

// Three moments at which an engine with a certain mistake answers what cannot have been. The
// engine has none of them, so the histories of all three are linearizable; that the checker finds
// each is what TestPlantedBugsAreFound shows, which runs this test with the mistakes.
func TestHistoriesOfTheEngine(t *testing.T) {
	for name, happens := range map[string]func(*testing.T, *historied){
		"a read while a Put fails":            readWhileAPutFails,
		"two checks of one record":            twoChecksOfOneRecord,
		"a leader that was replaced wakes up": aReplacedLeaderWakes,
	} {
		t.Run(name, func(t *testing.T) {
			r := newHistoried(t)
			happens(t, r)
			results, err := histories.Check(r.Operations(), time.Minute, cmp.Or(os.Getenv(envPictures), "build/histories"))
			require.NoError(t, err)
			require.Len(t, results, 1)
			if results[0].Failed() {
				t.Fatalf("not linearizable: %q; picture: %s", results[0].Violations, results[0].Picture)
			}
		})
	}
}

// historied is a storage with one integration, key, and what was asked of it.
type historied struct {
	*histories.Recorder
	storage logical.Storage
	meets   *meeting
}

func newHistoried(t *testing.T) *historied {
	t.Helper()
	r := &historied{Recorder: histories.NewRecorder(), storage: &logical.InmemStorage{}, meets: &meeting{}}
	first := r.node(t, "one", r.storage)
	_, err := first.send(t, logical.CreateOperation, "integrations/key", body{"provider": "instant", "auth_type": "key"})
	require.NoError(t, err)
	first.write(t, "good-one")
	return r
}

// historyNode is an engine of its own over a storage, as a node of a cluster has it.
type historyNode struct {
	*historied
	*instantMount
	name string
}

func (r *historied) node(t *testing.T, name string, storage logical.Storage) *historyNode {
	t.Helper()
	n := &historyNode{r, &instantMount{mount: &mount{}, disk: &failing{Storage: storage}}, name}
	n.engine = newEngine(n.disk, providers.NewRegistry(meetingInstant{instant{&atomic.Int64{}}, r.meets}), time.Now)
	require.NoError(t, n.Setup(t.Context(), &logical.BackendConfig{StorageView: n.disk, System: &logical.StaticSystemView{}}))
	t.Cleanup(func() { n.Cleanup(context.Background()) })
	return n
}

// write re-authenticates. What storage does not answer may have been carried out.
func (n *historyNode) write(t *testing.T, key string) {
	t.Helper()
	ended := n.Begin("key", n.name, histories.Write)
	resp, err := n.send(t, logical.UpdateOperation, "reauth/key", body{"email": email, "key": key})
	if err != nil {
		ended(histories.Operation{Outcome: histories.Unknown, Credential: key})
		return
	}
	version, _ := resp.Data["version"].(int)
	ended(histories.Operation{Outcome: histories.Done, Version: version, Credential: key})
}

func (n *historyNode) read(t *testing.T) {
	t.Helper()
	ended := n.Begin("key", n.name, histories.Read)
	resp, err := n.send(t, logical.ReadOperation, "creds/key", nil)
	if err != nil {
		ended(histories.Operation{Outcome: histories.Unknown})
		return
	}
	version, _ := resp.Data["version"].(int)
	key, _ := resp.Data["key"].(string)
	ended(histories.Operation{Outcome: histories.Done, Version: version, Credential: key})
}

// A Put that fails is asked in the middle what there is. Nobody may have read what it would have
// stored: it is not there afterwards.
func readWhileAPutFails(t *testing.T, r *historied) {
	t.Helper()
	held := &heldPut{Storage: r.storage, begun: make(chan struct{}), end: make(chan struct{})}
	n := r.node(t, "one", held)
	n.read(t)
	held.armed.Store(true)
	var writing sync.WaitGroup
	writing.Go(func() { n.write(t, "good-two") })
	<-held.begun
	n.read(t)
	close(held.end)
	writing.Wait()
	n.read(t)
}

// heldPut holds the next Put of a record, and fails it.
type heldPut struct {
	logical.Storage
	armed      atomic.Bool
	begun, end chan struct{}
}

func (h *heldPut) Put(ctx context.Context, e *logical.StorageEntry) error {
	if !strings.HasPrefix(e.Key, "creds/") && !strings.HasPrefix(e.Key, "credentials/") || !h.armed.CompareAndSwap(true, false) {
		return h.Storage.Put(ctx, e)
	}
	close(h.begun)
	<-h.end
	return errors.New("no space left on device")
}

// Two people re-authenticate at once, and the upstream takes its time: each gets a version of
// their own.
func twoChecksOfOneRecord(t *testing.T, r *historied) {
	t.Helper()
	n := r.node(t, "one", r.storage)
	r.meets.expected.Store(true)
	var writing sync.WaitGroup
	for _, key := range []string{"good-two", "good-three"} {
		writing.Go(func() { n.write(t, key) })
	}
	writing.Wait()
	n.read(t)
}

// meeting lets a check wait for another one, for a while: they meet only where the lock of the
// record does not keep them apart.
type meeting struct {
	expected atomic.Bool
	inside   atomic.Int64
}

func (m *meeting) wait() {
	if !m.expected.Load() {
		return
	}
	const patience = 300 * time.Millisecond
	m.inside.Add(1)
	for begun := time.Now(); m.inside.Load() < 2 && time.Since(begun) < patience; {
		time.Sleep(time.Millisecond)
	}
}

// meetingInstant is instant, whose checks can meet.
type meetingInstant struct {
	instant
	meets *meeting
}

func (m meetingInstant) Validate(ctx context.Context, target providers.Target, cred providers.Credential) (providers.Verified, error) {
	m.meets.wait()
	return m.instant.Validate(ctx, target, cred)
}

// A leader stands still, another node takes its place and a write, and the first one goes on:
// it has the old credential in memory, and storage takes no write of it.
func aReplacedLeaderWakes(t *testing.T, r *historied) {
	t.Helper()
	first := r.node(t, "one", r.storage)
	var pauses atomic.Int64
	first.lead.pauses = func() int { return int(pauses.Load()) }
	first.read(t)
	second := r.node(t, "two", r.storage)
	second.write(t, "good-two")
	second.read(t)
	pauses.Add(1)
	first.disk.arm(1, false) // the proof that it leads is the first call, and fails
	first.read(t)
}

// envPictures is where pictures are kept of mistakes that are planted, which are nobody's faults.
const envPictures = "SEI_PICTURES"
