package sonarqubetest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-sei/providers/providertest"
)

// sonarTime is the form of the server's times.
const sonarTime = "2006-01-02T15:04:05-0700"

// Living returns the tokens of a user that work, of all users where login is empty,
// sorted.
func (s *SonarQube) Living(login string) []string {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	living := []string{}
	for secret, t := range s.tokens {
		if (login == "" || t.Login == login) && !s.over(t) {
			living = append(living, secret)
		}
	}
	slices.Sort(living)
	return living
}

// over reports whether a token has ended by the clock.
func (s *SonarQube) over(t SonarQubeToken) bool {
	ends, err := time.Parse(sonarTime, t.Expires)
	return err == nil && s.Ended(ends, t.made)
}

// named returns the secret of a user's token by its name. The caller holds the lock.
func (s *SonarQube) named(login, name string) (string, bool) {
	for secret, t := range s.tokens {
		if t.Login == login && t.Name == name {
			return secret, true
		}
	}
	return "", false
}

// enterUser demands a login, anonymous access or not. It returns false if the request
// is answered.
func (s *SonarQube) enterUser(w http.ResponseWriter, r *http.Request) (SonarQubeToken, bool) {
	t, caller, ok := s.enter(w, r)
	if ok && caller == nobody {
		providertest.WriteJSON(w, http.StatusUnauthorized, providertest.Object{"errors": []any{providertest.Object{"msg": "Authentication is required"}}})
		return t, false
	}
	return t, ok
}

// userTokens: search-example.json of SonarSource/sonarqube; what newer servers add is
// told by its documentation.
func (s *SonarQube) userTokens(w http.ResponseWriter, r *http.Request) {
	t, ok := s.enterUser(w, r)
	if !ok {
		return
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	list := []any{}
	for _, other := range s.tokens {
		if other.Login != t.Login {
			continue
		}
		item := providertest.Object{"name": other.Name, "createdAt": other.Created, "type": "USER_TOKEN"}
		if other.Expires != "" && s.knowsExpiry() {
			item["expirationDate"], item["isExpired"] = other.Expires, s.over(other)
		}
		list = append(list, item)
	}
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"login": t.Login, "userTokens": list})
}

// knowsExpiry reports whether the version is 9.6 or newer, or Cloud.
func (s *SonarQube) knowsExpiry() bool {
	parts := strings.Split(s.options.Version+".0", ".")
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	return s.options.Cloud || major > 9 || major == 9 && minor >= 6
}

func refuseSonarQube(w http.ResponseWriter, format string, args ...any) {
	providertest.WriteJSON(w, http.StatusBadRequest, providertest.Object{"errors": []any{providertest.Object{"msg": fmt.Sprintf(format, args...)}}})
}

// generate makes a token of the caller's: GenerateAction of SonarSource/sonarqube.
func (s *SonarQube) generate(w http.ResponseWriter, r *http.Request) {
	s.Count(func(n *providertest.Renewals) { n.Asked++ })
	t, ok := s.enterUser(w, r)
	if !ok {
		return
	}
	const longest = 100
	name := strings.TrimSpace(r.FormValue("name"))
	switch kind := r.FormValue("type"); {
	case name == "":
		refuseSonarQube(w, "The 'name' parameter is missing")
		return
	case len(name) > longest:
		refuseSonarQube(w, "'name' length (%d) is longer than the maximum authorized (%d)", len(name), longest)
		return
	case r.FormValue("login") != "" && r.FormValue("login") != t.Login:
		answerInsufficient(w)
		return
	case kind != "" && kind != "USER_TOKEN": // the other types are not faked
		refuseSonarQube(w, "Value of parameter 'type' (%s) must be one of: [USER_TOKEN, GLOBAL_ANALYSIS_TOKEN, PROJECT_ANALYSIS_TOKEN]", kind)
		return
	}
	expires, refusal := s.expiration(r.FormValue("expirationDate"))
	if refusal != "" {
		refuseSonarQube(w, "%s", refusal)
		return
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if _, taken := s.named(t.Login, name); taken {
		refuseSonarQube(w, "A user token for login '%s' and name '%s' already exists", t.Login, name)
		return
	}
	now, _ := s.Now()
	made := t
	made.Token, made.Name, made.Created, made.Expires, made.made = "squ_"+providertest.RandomHex(20), name, now.Format(sonarTime), expires, true
	if s.options.Cloud {
		made.Token = providertest.RandomHex(20)
	}
	s.tokens[made.Token] = made
	s.Note("successor", made.Token)
	s.Count(func(n *providertest.Renewals) { n.Made++ })
	body := providertest.Object{"login": made.Login, "name": made.Name, "createdAt": made.Created, "token": made.Token, "type": "USER_TOKEN"}
	if expires != "" {
		body["expirationDate"] = expires
	}
	providertest.WriteJSON(w, http.StatusOK, body)
}

// expiration reads expirationDate, which versions before 9.6 do not. That a limit of the
// administrator's is refused so is a guess.
func (s *SonarQube) expiration(text string) (expires, refusal string) {
	now, _ := s.Now()
	tomorrow, limit := now.Truncate(24*time.Hour).AddDate(0, 0, 1), s.Ruled().MaxDays
	tooLong := fmt.Sprintf("The maximum allowed lifetime of a token is %d days", limit)
	switch {
	case !s.knowsExpiry():
		return "", ""
	case text == "" && limit > 0:
		return "", tooLong
	case text == "":
		return "", ""
	}
	date, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil:
		return "", "Supplied date format for parameter expirationDate is wrong. Please supply date in the ISO 8601 date format (YYYY-MM-DD)"
	case date.Before(tomorrow):
		return "", "The minimum value for parameter expirationDate is " + tomorrow.Format(time.DateOnly) + "."
	case limit > 0 && date.After(tomorrow.AddDate(0, 0, limit)):
		return "", tooLong
	}
	return date.Format(sonarTime), ""
}

// revoke answers 204 whether or not there is such a token: RevokeAction of
// SonarSource/sonarqube.
func (s *SonarQube) revoke(w http.ResponseWriter, r *http.Request) {
	t, ok := s.enterUser(w, r)
	if !ok {
		return
	}
	switch {
	case r.FormValue("name") == "":
		refuseSonarQube(w, "The 'name' parameter is missing")
		return
	case r.FormValue("login") != "" && r.FormValue("login") != t.Login:
		answerInsufficient(w)
		return
	}
	s.Mu.Lock()
	if secret, found := s.named(t.Login, r.FormValue("name")); found {
		delete(s.tokens, secret)
		s.Count(func(n *providertest.Renewals) { n.Revoked++ })
	}
	s.Mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
