package notify

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-sei/backend"
	"vault-plugin-secrets-sei/backend/fault"
	"vault-plugin-secrets-sei/providers"
)

// restEvery is how often it is looked whether this node may send, once there is somebody
// to tell.
const restEvery = time.Second

// Dependencies are what a Notifier needs of others. None may be nil. New keeps them, and nobody
// else reads this struct: its fields are exported for a literal in package mounted.
type Dependencies struct {
	// Targets and Told are the views of what is below NotifyPrefix and NotifiedPrefix.
	Targets, Told *logical.StorageView
	Subjects      Subjects
	Poster        providers.Poster
	// AllowedHosts is the mount's rule for which addresses may be called.
	AllowedHosts func(context.Context) (providers.AllowedHosts, error)
	Now          func() time.Time
	// Inviter makes the links of messages.
	Inviter Inviter
	// Fault takes what goes wrong with a target while nobody asks, and nil once it is over.
	// target is "" for what is about all of them. It must not block.
	Fault func(target string, err error)
}

// Notifier tells the targets of one mount. It is safe for concurrent use. With no target
// it does nothing: a change costs a look at a pointer.
type Notifier struct {
	told     logical.Storage
	subjects Subjects
	poster   providers.Poster
	allowed  func(context.Context) (providers.AllowedHosts, error)
	now      func() time.Time
	inviter  Inviter
	fault    func(target string, err error)
	active   func() bool
	count    func(target string, delivered bool)
	forget   func(target string)

	targets  *targets
	observed observed
	states   states
	damaged  damaged
	wake     chan struct{}
	// boxes are the mailboxes of targets by their ids, nil while there are none.
	boxes atomic.Pointer[map[string]*mailbox]
}

// New returns the notifier of a mount. It tells nobody before it runs.
func New(d Dependencies) *Notifier {
	return &Notifier{
		told: d.Told, subjects: d.Subjects, poster: d.Poster, allowed: d.AllowedHosts, now: d.Now, inviter: d.Inviter, fault: d.Fault,
		active:  func() bool { return true },
		count:   func(string, bool) {},
		forget:  func(string) {},
		targets: &targets{view: d.Targets, now: d.Now}, wake: make(chan struct{}, 1),
	}
}

// CountTo has each message counted that was sent, or could not be, and forget called for a
// target that is gone. Call it before anything else.
func (n *Notifier) CountTo(count func(target string, delivered bool), forget func(target string)) {
	n.count, n.forget = count, forget
}

// Run tells until the context ends, while active says that this node may, and returns when
// no message is under way.
func (n *Notifier) Run(ctx context.Context, active func() bool) {
	n.active = active
	boxes := map[string]*mailbox{}
	defer func() { n.close(boxes) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	current, again := false, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.wake:
			current, again = false, time.Time{}
		case <-timer.C:
		}
		switch {
		case ctx.Err() != nil:
			return
		case !active():
			n.close(boxes)
			n.targets.forget() // another node may change them
			current, again = false, time.Time{}
		case !current && !n.now().Before(again):
			current, again = n.open(ctx, boxes), n.now().Add(retryEvery)
		}
		timer.Reset(n.pause(boxes, current))
	}
}

// pause is how long Run rests. With nobody to tell, a write of a target wakes it.
func (n *Notifier) pause(boxes map[string]*mailbox, current bool) time.Duration {
	switch {
	case len(boxes) > 0:
		return restEvery
	case current:
		return lookEvery
	default:
		return retryEvery
	}
}

// open begins and ends mailboxes, so that there is one for each target. It reports whether
// that is so, and stays so until somebody writes one.
func (n *Notifier) open(ctx context.Context, boxes map[string]*mailbox) (ok bool) {
	var err error
	defer func() {
		if cause := recover(); cause != nil { // it would take all mounts down
			err, ok = fault.Panicked(cause), false
		}
		n.fault("", err)
	}()
	all, err := n.targets.all(ctx)
	if err != nil {
		return false
	}
	n.damaged.are(all, n.fault)
	ids := n.attend(ctx, boxes, all)
	if n.damaged.any() {
		return false // what they were told must stay
	}
	n.states.prune(ids)
	err = sweepLedgers(ctx, n.told, ids)
	return err == nil && n.targets.allAnswered()
}

// attend begins and ends mailboxes, and returns the ids of the targets that can be read. One
// that cannot goes on as it was.
func (n *Notifier) attend(ctx context.Context, boxes map[string]*mailbox, all map[string]*Target) map[string]bool {
	ids := map[string]bool{}
	for _, t := range all {
		if t != nil {
			ids[t.ID] = true
		}
	}
	for id, box := range boxes {
		name := box.current().Name
		if t, listed := all[name]; !ids[id] && (!listed || t != nil) {
			box.end()
			delete(boxes, id)
			n.forget(name)
		}
	}
	n.publish(boxes)
	if len(boxes) == 0 {
		n.observed.clear()
	}
	for _, t := range all {
		if t == nil {
			continue
		}
		if box := boxes[t.ID]; box == nil {
			n.begin(ctx, boxes, t)
		} else if !box.current().same(t) {
			box.use(t)
		}
	}
	return ids
}

func (n *Notifier) begin(ctx context.Context, boxes map[string]*mailbox, t *Target) {
	box := newMailbox(n, t)
	ctx, box.stop = context.WithCancel(ctx)
	boxes[t.ID] = box
	n.publish(boxes)
	go box.run(ctx)
}

// end stops the mailbox and waits for what it must not leave half-done.
func (m *mailbox) end() {
	m.stop()
	<-m.done
	m.n.noted(m.current().Name, nil)
}

func (n *Notifier) close(boxes map[string]*mailbox) {
	var group sync.WaitGroup
	for id, box := range boxes {
		group.Go(box.end)
		delete(boxes, id)
	}
	group.Wait()
	n.damaged.are(nil, n.fault)
	n.publish(boxes)
	n.observed.clear()
}

func (n *Notifier) publish(boxes map[string]*mailbox) {
	if len(boxes) == 0 {
		n.boxes.Store(nil)
		return
	}
	shared := make(map[string]*mailbox, len(boxes))
	for id, box := range boxes {
		shared[id] = box
	}
	n.boxes.Store(&shared)
}

// noted tells how it goes with a target, of which the entry may be damaged all the same.
func (n *Notifier) noted(target string, err error) {
	if err == nil && n.damaged.is(target) {
		return
	}
	n.fault(target, err)
}

// Changed makes each target hear of an integration that may have changed. It does not wait.
func (n *Notifier) Changed(name string) {
	if boxes := n.boxes.Load(); boxes != nil {
		for _, box := range *boxes {
			box.markChanged(name)
		}
	}
}

// Retry tries what failed again at once. It does not wait.
func (n *Notifier) Retry() {
	if boxes := n.boxes.Load(); boxes != nil {
		for _, box := range *boxes {
			box.retry()
		}
	}
}

// Invalidate forgets what is cached under a storage key that another node changed.
func (n *Notifier) Invalidate(key string) {
	if isTarget(key) {
		n.configured()
	}
}

func (n *Notifier) configured() {
	n.targets.forget()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// List returns the names of the targets, sorted.
func (n *Notifier) List(ctx context.Context) ([]string, error) {
	return n.targets.list(ctx)
}

// Read returns a target.
func (n *Notifier) Read(ctx context.Context, name string) (*Target, error) {
	t, err := n.targets.one(ctx, name)
	if err == nil && t == nil {
		err = unknownTarget(name)
	}
	return t, err
}

// State returns how it goes with a target, as far as this node knows.
func (n *Notifier) State(t *Target) State { return n.states.of(t.ID) }

// Write changes the settings of a target that sent has and leaves the others, or makes one.
// mount is the path of the mount, which messages name.
func (n *Notifier) Write(ctx context.Context, name, mount string, sent providers.Settings) error {
	allowed, err := n.allowed(ctx)
	if err != nil {
		return err
	}
	defer n.configured()
	t, err := n.targets.write(ctx, name, mount, sent, func(before, after *Target) error {
		if err := n.canInvite(ctx, sent); err != nil {
			return err
		}
		return judge(before, after, sent, allowed, n.poster)
	})
	if err == nil {
		err = n.endLinks(ctx, name, sent)
	}
	if err != nil {
		return err
	}
	if box := n.box(t); box != nil && box.current().same(t) {
		box.retry() // the same again: somebody mended the receiver
	}
	return nil
}

// box is the target's mailbox, nil where there is none.
func (n *Notifier) box(t *Target) *mailbox {
	if boxes := n.boxes.Load(); boxes != nil {
		return (*boxes)[t.ID]
	}
	return nil
}

// Delete deletes a target, its links, and then what it was told. Deleting what is not there is not an
// error.
func (n *Notifier) Delete(ctx context.Context, name string) error {
	defer n.configured()
	if err := n.targets.remove(ctx, name); err != nil {
		return err
	}
	return n.inviter.End(ctx, name, "")
}

// Test sends one message now. It returns the message's id, and fails with a refusal that
// says what the receiver answered. If it was taken, what waits is tried again at once.
func (n *Notifier) Test(ctx context.Context, name, mount string) (id string, err error) {
	stored, err := n.Read(ctx, name)
	if err != nil {
		return "", err
	}
	allowed, err := n.allowed(ctx)
	if err != nil {
		return "", err
	}
	t := *stored
	t.Mount = mount
	m := testMessage(&t, n.now())
	f := post(ctx, n.poster, &t, allowed, m, n.now())
	n.sent(&t, f)
	if f != nil {
		return "", f.refusal()
	}
	if box := n.box(&t); box != nil {
		box.retry()
	}
	return m.ID, nil
}

// sent notes how a message ended.
func (n *Notifier) sent(t *Target, f *failure) {
	n.states.sent(t.ID, f, n.now())
	n.count(t.Name, f == nil)
}

func unknownTarget(name string) error {
	return &backend.Error{Code: backend.CodeUnknownTarget, Message: fmt.Sprintf("there is no target %q; create it with a write to notify/%s", name, name)}
}
