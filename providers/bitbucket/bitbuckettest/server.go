package bitbuckettest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"vault-plugin-secrets-sei/providers/providertest"
)

// ServerToken is an HTTP access token of Data Center and whom it belongs to. A token of a
// project or repository has a made-up user that is not listed among users.
type ServerToken struct {
	Token string `json:"token"`
	// Name is the user's; that of a token of a project or repository begins with
	// access-token-user/, which is a guess.
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	// Inactive users are told as such.
	Inactive bool `json:"inactive,omitempty"`
	// Reads are the projects and repositories that it sees beside what is public, as KEY
	// or KEY/slug.
	Reads []string `json:"reads,omitempty"`
}

// listed reports whether it belongs to a user.
func (t ServerToken) listed() bool { return !strings.HasPrefix(t.Name, "access-token-user/") }

// id is made up from the name.
func (t ServerToken) id() int {
	sum := sha256.Sum256([]byte(t.Name))
	return int(binary.BigEndian.Uint16(sum[:2])) + 1
}

// ServerProject is a project of Data Center and its repositories.
type ServerProject struct {
	Key          string   `json:"key"`
	Repositories []string `json:"repositories,omitempty"`
	// Public projects and their repositories are shown to anybody.
	Public bool `json:"public,omitempty"`
}

// Server is a fake of Bitbucket Data Center.
type Server struct {
	providertest.Base
	mux      *http.ServeMux
	context  string
	lenient  bool
	nameless bool
	tokens   map[string]ServerToken
	projects map[string]ServerProject // by upper-case key
}

var _ providertest.Fake = (*Server)(nil)

// NewServer returns a fake below a context path, without tokens and projects.
func NewServer(contextPath string) *Server {
	s := &Server{
		mux: http.NewServeMux(), context: strings.TrimRight(contextPath, "/"),
		tokens: map[string]ServerToken{}, projects: map[string]ServerProject{},
	}
	for _, version := range []string{"1.0", "latest"} {
		api := "GET " + s.context + "/rest/api/" + version
		s.mux.HandleFunc(api+"/application-properties", s.properties)
		s.mux.HandleFunc(api+"/users", s.users)
		s.mux.HandleFunc(api+"/projects/{key}", s.project)
		s.mux.HandleFunc(api+"/projects/{key}/repos/{slug}", s.repository)
	}
	return s
}

// Add adds a token.
func (s *Server) Add(t ServerToken) {
	s.Note("token", t.Token)
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.tokens[t.Token] = t
}

// AddProject adds or replaces a project.
func (s *Server) AddProject(p ServerProject) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.projects[strings.ToUpper(p.Key)] = p
}

// AddJSON adds the ServerToken that body describes.
func (s *Server) AddJSON(body []byte) error {
	var t ServerToken
	if err := json.Unmarshal(body, &t); err != nil {
		return err
	}
	s.Add(t)
	return nil
}

// AddOrganizationJSON adds the ServerProject that body describes.
func (s *Server) AddOrganizationJSON(body []byte) error {
	var p ServerProject
	if err := json.Unmarshal(body, &p); err != nil {
		return err
	}
	s.AddProject(p)
	return nil
}

// Revoke makes a token unknown.
func (s *Server) Revoke(token string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	delete(s.tokens, token)
}

// TakeBadForNobody makes a token that is not known worth as much as none, which no
// source says, nor that it is refused.
func (s *Server) TakeBadForNobody() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.lenient = true
}

// HideNames leaves out who is logged in, as something in between may.
func (s *Server) HideNames() {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.nameless = true
}

// ServeHTTP answers as Data Center does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, _ := s.login(r)
	s.Serve(w, r, t.Name, http.HandlerFunc(s.route))
}

// login finds the token of a request. ok is false where one came that is not known.
func (s *Server) login(r *http.Request) (_ ServerToken, ok bool) {
	header := r.Header.Get("Authorization")
	secret, bearer := strings.CutPrefix(header, "Bearer ")
	s.Mu.Lock()
	defer s.Mu.Unlock()
	t, known := s.tokens[secret]
	if !bearer || !known {
		return ServerToken{}, header == ""
	}
	return t, true
}

// route refuses a token that is not known whatever is asked for, and names who is logged
// in.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	t, ok := s.login(r)
	s.Mu.Lock()
	lenient, nameless := s.lenient, s.nameless
	s.Mu.Unlock()
	switch {
	case !strings.HasPrefix(r.URL.Path, s.context+"/rest/"):
		providertest.WriteText(w, http.StatusNotFound, "text/html;charset=UTF-8", "<html><body>The page you're looking for isn't here</body></html>")
		return
	case !ok && !lenient:
		// Recorded of a password; that a token is refused so is a guess.
		serverRefuse(w, http.StatusUnauthorized, "com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException", "Authentication failed. Please check your credentials and try again.")
		return
	}
	w.Header().Set("X-AREQUESTID", "@FAKE1x1x1x0")
	if t.Name != "" && !nameless {
		w.Header().Set("X-AUSERNAME", url.PathEscape(t.Name))
		w.Header().Set("X-AUSERID", strconv.Itoa(t.id()))
	}
	s.mux.ServeHTTP(w, r)
}

// serverRefuse answers with Data Center's form of a refusal.
func serverRefuse(w http.ResponseWriter, status int, exception, message string) {
	providertest.WriteJSON(w, status, providertest.Object{
		"errors": []providertest.Object{{"context": nil, "message": message, "exceptionName": exception}},
	})
}

// properties: developer.atlassian.com/server/bitbucket/rest/v1000, documented; anybody
// may ask.
func (s *Server) properties(w http.ResponseWriter, _ *http.Request) {
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{
		"version": "9.4.0", "buildNumber": "9004000", "buildDate": "1733356800000", "displayName": "Bitbucket",
	})
}

// users: "Only authenticated users may call this resource", documented.
func (s *Server) users(w http.ResponseWriter, r *http.Request) {
	if t, _ := s.login(r); t.Token == "" {
		serverForbid(w)
		return
	}
	filter := strings.ToLower(r.URL.Query().Get("filter"))
	values, seen := []providertest.Object{}, map[string]bool{}
	s.Mu.Lock()
	for _, t := range s.tokens {
		if !t.listed() || seen[t.Name] || !strings.Contains(strings.ToLower(t.Name+" "+t.Email), filter) {
			continue
		}
		seen[t.Name] = true
		values = append(values, providertest.Object{
			"name": t.Name, "emailAddress": t.Email, "active": !t.Inactive, "displayName": "User " + t.Name, "id": t.id(), "slug": strings.ToLower(t.Name), "type": "NORMAL",
		})
	}
	s.Mu.Unlock()
	providertest.WriteJSON(w, http.StatusOK, providertest.Object{"size": len(values), "limit": 100, "isLastPage": true, "values": values, "start": 0})
}

// serverForbid: recorded by sourcegraph's tests of its client without a login. It is
// also the answer to somebody without a right.
func serverForbid(w http.ResponseWriter) {
	serverRefuse(w, http.StatusUnauthorized, "com.atlassian.bitbucket.AuthorisationException", "You are not permitted to access this resource")
}

// visible demands that a project or repository is there and is seen.
func (s *Server) visible(w http.ResponseWriter, r *http.Request, reads ...string) (ServerProject, bool) {
	t, _ := s.login(r)
	s.Mu.Lock()
	defer s.Mu.Unlock()
	p, known := s.projects[strings.ToUpper(r.PathValue("key"))]
	if !known {
		serverRefuse(w, http.StatusNotFound, "com.atlassian.bitbucket.project.NoSuchProjectException", "Project "+r.PathValue("key")+" does not exist.")
		return p, false
	}
	for _, name := range reads {
		for _, has := range t.Reads {
			if strings.EqualFold(name, has) {
				return p, true
			}
		}
	}
	if !p.Public {
		serverForbid(w)
	}
	return p, p.Public
}

// project: the reference page of the resource, documented.
func (s *Server) project(w http.ResponseWriter, r *http.Request) {
	if p, ok := s.visible(w, r, r.PathValue("key")); ok {
		providertest.WriteJSON(w, http.StatusOK, providertest.Object{"key": p.Key, "id": 1, "name": "Project " + p.Key, "public": p.Public, "type": "NORMAL"})
	}
}

// repository: the reference page of the resource, documented.
func (s *Server) repository(w http.ResponseWriter, r *http.Request) {
	slug := r.PathValue("slug")
	p, ok := s.visible(w, r, r.PathValue("key"), r.PathValue("key")+"/"+slug)
	if !ok {
		return
	}
	for _, name := range p.Repositories {
		if strings.EqualFold(name, slug) {
			providertest.WriteJSON(w, http.StatusOK, providertest.Object{"slug": name, "id": 1, "name": name, "public": p.Public, "project": providertest.Object{"key": p.Key}})
			return
		}
	}
	serverRefuse(w, http.StatusNotFound, "com.atlassian.bitbucket.repository.NoSuchRepositoryException", "Repository "+p.Key+"/"+slug+" does not exist.")
}
