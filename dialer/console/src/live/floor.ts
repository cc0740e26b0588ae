import type { Schemas } from '../lib/api'

// The floor as the page shows it: all nodes together, the one that is asked as it is now,
// the others as they were some seconds ago.
export type Floor = Schemas['Live']
export type Node = Schemas['Snapshot']
export type Campaign = Schemas['CampaignView'] & { node: string }
export type Operator = Schemas['OperatorView'] & { node: string; now: number }

export const nodesOf = (floor: Floor): Node[] => [floor, ...(floor.others ?? [])]

// byCampaign are the campaigns, each as its nodes see it.
export function byCampaign(nodes: Node[]): [Campaign, ...Campaign[]][] {
  const all = new Map<string, [Campaign, ...Campaign[]]>()
  for (const { node, campaigns } of nodes) {
    for (const view of campaigns ?? []) {
      const one = { ...view, node }
      const seen = all.get(view.id)
      if (seen) seen.push(one)
      else all.set(view.id, [one])
    }
  }
  return [...all.values()]
}

// sum adds a figure up over the nodes.
export const sum = (views: Campaign[], figure: (v: Campaign) => number | undefined) => views.reduce((total, v) => total + (figure(v) ?? 0), 0)

// operatorsOf is everybody once: who went to another node is offline at the last.
export function operatorsOf(nodes: Node[]): Operator[] {
  const all = nodes.flatMap((n) => (n.operators ?? []).map((o) => ({ ...o, node: n.node, now: Date.parse(n.at) })))
  const busy = new Set(all.filter((o) => o.state !== 'offline').map((o) => o.user))
  return all.filter((o) => o.state !== 'offline' || !busy.has(o.user)).sort((a, b) => (a.user < b.user ? -1 : 1))
}

// stateOf tells those who rest from those who are ready.
export const stateOf = (o: Operator) => (o.rest_until && Date.parse(o.rest_until) > o.now ? 'resting' : o.state)
