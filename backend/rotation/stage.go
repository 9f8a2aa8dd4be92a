package rotation

import (
	"vault-plugin-secrets-sei/backend"
)

// stage is how far a rotation has come. The table in the comment of the package says what
// each is read off and what is done then.
type stage int

const (
	stageBegun     stage = iota // the upstream may have made a successor, or not
	stageMade                   // the successor is known, and not in use
	stageUsed                   // the successor is in use, and nobody noted that
	stageFinishing              // what was replaced waits to be removed upstream
	stageOvertaken              // somebody else replaced the credential
)

// stageOf reads off how far a rotation has come, of the record as it is now.
func stageOf(p *backend.Pending, record *backend.Record) stage {
	switch {
	case !p.FinishAt.IsZero():
		return stageFinishing
	case p.Fingerprint == record.Current.Fingerprint:
		return stageUsed
	case record.Version != p.Version:
		return stageOvertaken
	case p.Fingerprint != "":
		return stageMade
	}
	return stageBegun
}
