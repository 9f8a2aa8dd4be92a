// Command fakes serves fake upstreams on loopback for scripts/demo.sh and
// scripts/dev.sh:
//
//	fakes CA_FILE CALLBACK
//
// CALLBACK is where the authorization server sends browsers back to. The command prints
// the addresses as NAME_URL=..., what can be tried as comments, and at last a line
// "ready"; then it serves until it is ended. Behind PROXY_URL are all fakes under their
// vendors' names, with certificates of the authority that it writes to CA_FILE.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"vault-plugin-secrets-sei/providers/catalog/catalogtest"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: fakes CA_FILE CALLBACK")
	}
	world := catalogtest.NewWorld()
	defer world.Close()
	//nolint:gosec // whoever starts it says where
	if err := os.WriteFile(args[0], []byte(world.CAPEM()), 0o600); err != nil {
		return err
	}
	fmt.Printf("PROXY_URL=%s\n", world.ProxyURL())
	failed := make(chan error)
	for _, u := range upstreams(world) {
		if err := u.serve(failed); err != nil {
			return err
		}
	}
	populate(world, args[1])
	fmt.Println("ready")
	return <-failed
}

// upstream is a fake with a plain address. That of Bitbucket is for browsers, which
// do not know the proxy: the engine knows Bitbucket at bitbucket.org only.
type upstream struct {
	name string
	path string // that it lives below
	fake http.Handler
}

func upstreams(w *catalogtest.World) []upstream {
	return []upstream{
		{"JIRA", "", w.Jira},
		{"GITHUB", "", w.GitHubEnterprise},
		{"BITBUCKET", "", w.Bitbucket},
		{"AZURE_DEVOPS", "", w.AzureDevOps},
		{"HARNESS", "", w.HarnessOwn},
		{"GITLAB", "/gitlab", w.GitLabOwn},
		{"SONARQUBE", "/sonar", w.SonarQube},
	}
}

func (u upstream) serve(failed chan<- error) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens as long as the program runs
	if err != nil {
		return err
	}
	server := &http.Server{Handler: u.fake, ReadHeaderTimeout: time.Minute}
	go func() { failed <- server.Serve(listener) }()
	fmt.Printf("%s_URL=http://%s%s\n", u.name, listener.Addr(), u.path)
	return nil
}
