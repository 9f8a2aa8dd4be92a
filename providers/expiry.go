package providers

// LastYear is the last year that RFC 3339 can write.
const LastYear = 9999
