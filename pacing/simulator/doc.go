// Package simulator is a call centre on a virtual clock. It drives the very
// controller that paces the product, through the same events, so that a day
// under a policy takes a second and can be repeated exactly.
//
// It knows nothing of SIP, audio or stores, reads no clock and starts no
// goroutine. Chance comes from streams that belong to a record or to an
// operator, so that every policy meets the same records.
//
//	scenario file ─ Parse ─► Scenario ─ New ─► Simulation ─ Advance ─► Run ─► Report
//	                                              │    ▲
//	                          events and rooms    ▼    │  dial, cancel
//	                                         pacing.Controller
//
// What it leaves out: lists never end, there are no retries and no callbacks,
// and breaks are not announced. A dial that a silent outage swallows rings like
// any other.
//
// # What nodes lose
//
// On a shared store each node paces the operators that are signed in to it, so a
// person who answered a call of one node cannot have the free operator of another.
// Nodes simulates that, all nodes in one process: each with a controller of its own
// that learns for itself, one list, and the budget of abandoned calls shared as the
// product shares it. "Lost" is the utilisation that one controller over the same
// operators reaches beyond it; answer share 0.2, talk 120 s, wrap 30 s, at most 3 %
// abandoned, no cancels:
//
//	operators  nodes  of each  utilisation      ±    lost  abandoned  worst run  attempts/s  messages/s  commands/s
//	      100      1      100       95.28%  0.12%       -      2.62%      2.83%         3.3          77         391
//	               2       50       92.26%  0.11%   3.03%      2.56%      2.71%         3.2          81         426
//	               4       25       88.30%  0.14%   6.98%      2.27%      2.52%         3.0          90         502
//	              20        5       71.46%  0.18%  23.83%      1.89%      2.02%         2.4         173        1177
//	      500      1      500       99.09%  0.08%       -      2.85%      2.99%        16.9         373        1825
//	               2      250       97.99%  0.04%   1.10%      2.60%      2.64%        16.7         375        1851
//	               4      125       96.12%  0.09%   2.97%      2.47%      2.56%        16.4         380        1908
//	              20       25       87.71%  0.09%  11.38%      1.88%      1.90%        15.0         445        2493
//	   10,000     20      500       99.01%  0.01%       -      2.78%      2.79%       339.3        7472       36557
//	  a start      1   10,000       99.95%      -       -      1.93%
//	              20      500       98.94%      -   1.00%      3.44%
//
//	outpace simulate --scenario config/examples/scenarios/nodes_100.yaml --nodes 1,2,4,20 --runs 8
//	outpace simulate --scenario config/examples/scenarios/nodes_500.yaml --nodes 1,2,4,20 --runs 3
//	outpace simulate --scenario config/examples/scenarios/nodes_10000.yaml --nodes 20 --runs 2
//
// Decisions take time that is linear in operators, so ten thousand on one node are
// simulated for minutes only: the last two lines are minutes six to ten of a day
// (duration_s: 600, warmup_s: 300, --nodes 1,20 --runs 1), four minutes of computing.
// Of the ten minutes together the nodes abandoned 1.96 %: what the first five save is
// spent in the next, and the limit is on all.
// So 20 nodes of 500 lose about one point, as far as can be told all of it by the size
// of the teams: they are 0.08 points below 500 on one node, within the error.
//
// The size of a node's team is what counts: as many operators as can be should
// sign in to one node. Small teams lose twice, because answers and free operators
// meet less often, and because each node keeps a part of the budget back.
//
// Messages are what the nodes send to Redis, commands what it executes, those of
// scripts included (instantaneous_ops_per_sec): 19 messages and 94 commands for an
// attempt, 3 and 11 more if it is answered, 5 and 27 if it is disposed of, 6.5 and 46.5
// for each node and second. They are measured on a real server by
//
//	go test -run 'TestLoad$' -v ./campaigns/redis
//
// where an attempt took some 0.6 ms of the server's time, and 1.2 ms with appendfsync
// always, on two cores that others used: a fifth and two fifths of one core for ten
// thousand operators. It is a best case: the calls there come one right after the other.
//
// The three simulations above take one, one and a half and five minutes on two cores
// that others use too, and less than 100 MB.
package simulator
