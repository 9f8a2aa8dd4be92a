package torture_test

import (
	"testing"
	"time"

	"vault-plugin-secrets-sei/acceptance/harness"
	"vault-plugin-secrets-sei/internal/layer"
)

const (
	envCuts = "SEI_TORTURE_CUTS"
	fewCuts = 2
)

// The nodes of a cluster stand in network namespaces, and the network between them is cut:
// around the leader, with its clients or without them; in one direction; between two of three.
// Then it is whole again. Clients go on asking whom they reach.
func TestTortureCut(t *testing.T) {
	layer.Check(t, "networks cut under load")
	network := harness.NewNetwork(t, 3)
	c := network.StartCluster(t)
	r := underLoad(t, c...)
	r.parts = true
	cuts := number(t, envCuts, fewCuts)
	kinds := r.cuts(t, network, c)
	r.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	var plan []disturbance
	for i := range cuts {
		plan = append(plan, kinds[i%len(kinds)])
	}
	r.runAll(t, plan)
}

// cuts are the ways to cut a network around its leader.
func (r *torture) cuts(t *testing.T, network *harness.Network, c harness.Cluster) []disturbance {
	t.Helper()
	// cut cuts around the leader until another one leads, or for a while, and heals.
	cut := func(kind string, replaced bool, how func(leader *harness.Node, others []*harness.Node)) disturbance {
		return disturbance{kind, func() {
			leader := c.Leader(t, nil)
			how(aside(network, c, leader))
			if replaced {
				c.Leader(t, leader).AwaitActive(t)
			}
			time.Sleep(time.Duration(1000+r.random.IntN(2000)) * time.Millisecond)
			network.Heal(t)
			c.AwaitHealthy(t)
		}}
	}
	return []disturbance{
		cut("leader cut off from its peers", true, func(leader *harness.Node, _ []*harness.Node) { leader.Unplug(t) }),
		cut("leader cut off from everybody", true, func(leader *harness.Node, _ []*harness.Node) {
			leader.Unplug(t)
			leader.UnplugClients(t)
		}),
		cut("leader is not heard", true, func(leader *harness.Node, others []*harness.Node) {
			for _, other := range others {
				leader.Lose(t, other)
			}
		}),
		cut("leader does not hear", true, func(leader *harness.Node, others []*harness.Node) {
			for _, other := range others {
				other.Lose(t, leader)
			}
		}),
		cut("leader and one peer cut apart", false, func(leader *harness.Node, others []*harness.Node) {
			leader.Lose(t, others[0])
			others[0].Lose(t, leader)
		}),
	}
}

// aside returns the node of a server, and the others.
func aside(network *harness.Network, c harness.Cluster, leader *harness.Server) (node *harness.Node, others []*harness.Node) {
	for i, s := range c {
		if s == leader {
			node = network.Nodes[i]
		} else {
			others = append(others, network.Nodes[i])
		}
	}
	return node, others
}
