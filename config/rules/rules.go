// Package rules holds the rule packs that come with the product, as data: when
// and how often people of a region may be called, which share of answered calls
// may be abandoned, and whether talks are recorded. It has no code of its own;
// campaigns/eligibility reads and applies the packs.
//
// The packs are a careful reading, not legal advice: each entry names its source
// (cite) and how sure we are of it (basis: S source read, S2 secondary source, M
// from memory, own: our own default). Have a lawyer sign off the regions you
// call.
//
//	us.yaml        federal law, states, territories
//	americas.yaml  Canada, Brazil
//	europe.yaml    United Kingdom, Germany, Poland, France, Spain, Italy
//	asia.yaml      India, Australia, Japan, China
//	strict.yaml    every region without a pack
//	demo.yaml      the fictitious numbers of `outpace demo`
package rules

import "embed"

// FS holds the packs, one YAML file for a group of regions.
//
//go:embed *.yaml
var FS embed.FS
