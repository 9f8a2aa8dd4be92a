package harness

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Network is a namespace for each node of a cluster, with two cables: one to a switch, on
// which the nodes talk to each other, and one to the test, on which clients come. Its
// addresses are of those that are kept for tests of networks (RFC 2544), and its names have
// the id of this process. All of it is removed at the end of the test, and what an earlier
// process left behind at the beginning of the next one.
type Network struct {
	prefix string // of all names
	subnet int
	Nodes  []*Node
}

// Node is a place for a server in a Network.
type Node struct {
	network *Network
	number  int
	name    string // of its namespace
	relays  []*Relay
}

// nameStart begins the names of namespaces, which are those of a process: s1234n1.
const nameStart = "s"

// NewNetwork makes a network, or skips the test where that is not allowed and the tests
// are not required.
func NewNetwork(t testing.TB, nodes int) *Network {
	t.Helper()
	n := &Network{prefix: fmt.Sprintf("%s%d", nameStart, os.Getpid()), subnet: os.Getpid() % 250}
	sweepNetworks()
	t.Cleanup(func() { removeNamespaces(n.prefix) })
	err := ip("netns", "add", n.prefix+"sw")
	if err != nil && (os.Geteuid() != 0 || os.Getenv("SEI_ACCEPTANCE") != "required") {
		t.Skipf("no network of the test's own: making one needs root and ip netns: %v", err)
	}
	require.NoError(t, err)
	n.do(t, "-n", n.prefix+"sw", "link", "add", "switch", "type", "bridge")
	n.do(t, "-n", n.prefix+"sw", "link", "set", "switch", "up")
	for i := range nodes {
		n.Nodes = append(n.Nodes, n.add(t, i+1))
	}
	return n
}

// add makes a node, with its cables plugged in.
func (n *Network) add(t testing.TB, number int) *Node {
	t.Helper()
	node := &Node{network: n, number: number, name: fmt.Sprintf("%sn%d", n.prefix, number)}
	n.do(t, "netns", "add", node.name)
	n.do(t, "-n", node.name, "link", "set", "lo", "up")
	// The cable to the switch.
	n.do(t, "-n", node.name, "link", "add", "peers", "type", "veth", "peer", "name", node.port(), "netns", n.prefix+"sw")
	n.do(t, "-n", n.prefix+"sw", "link", "set", node.port(), "master", "switch", "up")
	n.do(t, "-n", node.name, "addr", "add", node.address()+"/24", "dev", "peers")
	n.do(t, "-n", node.name, "link", "set", "peers", "up")
	// And that to the test.
	n.do(t, "link", "add", node.clientPort(), "type", "veth", "peer", "name", "clients", "netns", node.name)
	n.do(t, "addr", "add", fmt.Sprintf("198.19.%d.%d/30", n.subnet, 4*number+1), "dev", node.clientPort())
	n.do(t, "link", "set", node.clientPort(), "up")
	n.do(t, "-n", node.name, "addr", "add", node.clientAddress()+"/30", "dev", "clients")
	n.do(t, "-n", node.name, "link", "set", "clients", "up")
	return node
}

func (d *Node) port() string       { return fmt.Sprintf("port%d", d.number) }
func (d *Node) clientPort() string { return fmt.Sprintf("%sc%d", d.network.prefix, d.number) }
func (d *Node) address() string    { return fmt.Sprintf("198.18.%d.%d", d.network.subnet, d.number) }

func (d *Node) clientAddress() string {
	return fmt.Sprintf("198.19.%d.%d", d.network.subnet, 4*d.number+2)
}

func (n *Network) do(t testing.TB, args ...string) {
	t.Helper()
	require.NoError(t, ip(args...))
}

// Unplug takes the cable to the switch out: no peer hears the node, nor it any peer.
// Clients reach it.
func (d *Node) Unplug(t testing.TB) {
	t.Helper()
	d.network.do(t, "-n", d.network.prefix+"sw", "link", "set", d.port(), "down")
}

// UnplugClients takes the cable to the test out, at the end of the node: at the other end
// the route would go, and what is sent to the node would leave the machine.
func (d *Node) UnplugClients(t testing.TB) {
	t.Helper()
	d.network.do(t, "-n", d.name, "link", "set", "clients", "down")
}

// Lose loses every packet that the node sends to the other one: it goes to a card that is
// nowhere. What comes from there arrives.
func (d *Node) Lose(t testing.TB, to *Node) {
	t.Helper()
	d.network.do(t, "-n", d.name, "neigh", "replace", to.address(), "lladdr", "02:00:00:00:00:01", "dev", "peers", "nud", "permanent")
}

// Heal makes the network whole again.
func (n *Network) Heal(t testing.TB) {
	t.Helper()
	for _, d := range n.Nodes {
		n.do(t, "-n", n.prefix+"sw", "link", "set", d.port(), "up")
		n.do(t, "-n", d.name, "link", "set", "clients", "up")
		for _, other := range n.Nodes {
			// There may be none to delete.
			_ = ip("-n", d.name, "neigh", "del", other.address(), "dev", "peers")
		}
	}
}

// Weather has each packet between nodes held up and some lost, by the kernel's netem. It
// reports whether the kernel can do that; where it cannot, nothing has changed.
func (n *Network) Weather(t testing.TB, late, jitter string, lossPercent int) bool {
	t.Helper()
	for _, d := range n.Nodes {
		err := tool("tc", "-n", d.name, "qdisc", "replace", "dev", "peers", "root", "netem", "delay", late, jitter, "loss", fmt.Sprintf("%d%%", lossPercent))
		if err != nil {
			n.Calm(t)
			return false
		}
	}
	return true
}

// Calm ends what Weather began.
func (n *Network) Calm(testing.TB) {
	for _, d := range n.Nodes {
		_ = tool("tc", "-n", d.name, "qdisc", "del", "dev", "peers", "root") // there may be none
	}
}

// Reach makes addresses on the loopback of the test those of the node's loopback, too: what
// is sent there goes to the test by a relay.
func (d *Node) Reach(t testing.TB, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		listener, err := d.listen(t, address)
		require.NoError(t, err, "listening in %s at %s", d.name, address)
		relay := StartRelay(t, listener, address)
		d.relays = append(d.relays, relay)
	}
}

// listen listens at an address within the node's namespace: a socket stays in the one in
// which it was made, whichever thread uses it.
func (d *Node) listen(t testing.TB, address string) (net.Listener, error) {
	t.Helper()
	type made struct {
		listener net.Listener
		err      error
	}
	answer := make(chan made)
	go func() {
		// The thread is never unlocked, so it ends with the goroutine.
		listener, err := listenWithin(t.Context(), filepath.Join("/run/netns", d.name), address)
		answer <- made{listener, err}
	}()
	got := <-answer
	return got.listener, got.err
}

func ip(args ...string) error { return tool("ip", args...) }

func tool(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput() //nolint:noctx // it ends at once
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// sweepNetworks removes what processes left behind that no longer live.
func sweepNetworks() {
	names, _ := os.ReadDir("/run/netns")
	for _, entry := range names {
		found := regexp.MustCompile(`^` + nameStart + `(\d+)(sw|n\d+)$`).FindStringSubmatch(entry.Name())
		if found == nil {
			continue
		}
		if pid, err := strconv.Atoi(found[1]); err == nil && syscall.Kill(pid, 0) != nil {
			removeNamespaces(nameStart + found[1])
		}
	}
}

// removeNamespaces removes those of a process, with all cables in them.
func removeNamespaces(prefix string) {
	names, _ := os.ReadDir("/run/netns")
	for _, entry := range names {
		if regexp.MustCompile(`^` + prefix + `(sw|n\d+)$`).MatchString(entry.Name()) {
			_ = ip("netns", "del", entry.Name())
		}
	}
}

// StartCluster starts one in the network, a server on each node.
func (n *Network) StartCluster(t testing.TB) Cluster {
	t.Helper()
	require.Len(t, n.Nodes, 3)
	var places [3]place
	for i, d := range n.Nodes {
		places[i] = place{
			listens: d.clientAddress() + apiPort, binds: "0.0.0.0" + apiPort, cluster: d.address() + ":8201",
			within: []string{"ip", "netns", "exec", d.name}, reach: d.Reach,
		}
	}
	return startCluster(t, places)
}
