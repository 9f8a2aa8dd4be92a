package histories

// Kind is what an operation does to a record.
type Kind string

// The kinds. Reads that wait are reads: what they promise beyond is not the record's.
const (
	Write    Kind = "write"    // a person's credential, by reauth/, a link or a browser
	Rotate   Kind = "rotate"   // a successor that the upstream made
	Rollback Kind = "rollback" // the credential before
	Forget   Kind = "forget"   // the version stays
	Read     Kind = "read"     // of creds/
	History  Kind = "history"  // of history/
	// Refresh renews an access token; no client asks for it, so it is never recorded. Version
	// and credential stay.
	Refresh Kind = "refresh"
	// unseen is a write whose version nobody saw.
	unseen Kind = "unseen"
)

// Outcome is what a client knows of its operation.
type Outcome string

// The outcomes. An operation of which the client knows nothing may have been carried out, at
// any time since it began, or not.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // it was not carried out
	Unknown Outcome = "unknown"
)

// Operation is one request of a client. Begin and End are those of the client's clock; End is
// no bound where the outcome is Unknown. What was not told is zero.
type Operation struct {
	Record  string // the integration, or the group of them that shares a credential
	Client  int    // counted from 0; it asks one thing at a time
	Node    string
	Kind    Kind
	Begin   int64
	End     int64
	Outcome Outcome

	// Version and Credential are what a write was acknowledged as, or what was read. A write that is not
	// acknowledged has its Credential if it is known. A read that is done and has no Version
	// says that there is no credential; so does a rollback that says there is nothing to go
	// back to.
	Version    int
	Credential string
	// Parts are the credentials to which the parts of an answer belong, where these can be told.
	Parts []string
	// Token stands for the access token of a credential that is renewed.
	Token string
	// Entries are those of a History, newest first, without refreshes.
	Entries []Entry
}

// Entry is one of a history.
type Entry struct {
	Version    int
	Credential string
	Cause      string // reauth, rotate, rollback, forget; "" if it is not told
}

func (k Kind) raises() bool { return k == Write || k == Rotate || k == Rollback }
