// Package quota remembers what workers reported and checks found of the tokens of pools,
// and chooses among the tokens. It knows values, and keeps everything in memory. Begin
// with [Pools.Choose]; [Quota] says how reports that arrive out of order are merged.
package quota
