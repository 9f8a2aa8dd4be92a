package health

// CountCheck takes the outcome of a health check of one credential, or of one token of a
// pool: the code of what was found, "" for one that works. It is called from any goroutine,
// and must not block.
type CountCheck func(provider, code string)

// ChecksTo has health checks counted. It is for the code that has just made the watch.
func (w *Watch) ChecksTo(count CountCheck) { w.counted = count }

// count counts what a check came to.
func (w *Watch) count(r *result) {
	if w.counted != nil {
		w.counted(r.subject.Integration.Provider, r.Code)
	}
}
