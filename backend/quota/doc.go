// Package quota remembers what workers reported and checks found of the tokens of pools,
// and chooses among them. It knows values and is kept in memory alone. Begin with
// [Pools.Choose]; [Quota] says how reports that overtake each other are merged.
package quota
