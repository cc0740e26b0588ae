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
// # What it costs that hardly a day ends over its limit
//
// Five operators for eight hours, answer share 0.3, talk 120 s, wrap 30 s, at most 3 %
// abandoned: 23 calls of 770 (p02 of the lab, predictive, seeds 1 to 60). Left is what was
// allowed and not used; the last column is RandomDay from seed 70000 on, at most 15
// hours of operators.
//
//	pacing                                       utilisation      ±  left  days over  random days over that could be held
//	as it is                                          78.58%  0.13%  1.96    0 of 60
//	a reserve that is not full makes nobody strict
//	near the end; more of the window's rest pays for
//	bad luck, but not for a debt                      78.62%  0.13%  1.89    0 of 60  none of 230 with rich windows
//	bad luck may take what the window's rest
//	allows, less 5 calls, also where it is in debt    78.70%  0.11%  1.83    0 of 60  2 of 236 (70183, 70251: held as it is)
//	2.6 standard deviations are payable, not 3.3,
//	less is kept back until the end                   78.84%  0.13%  1.10    2 of 60
//	2.2 standard deviations                           79.07%  0.11%  0.85    6 of 60
//
// The second passes these and fails the table of events: one of three runs in which the
// carrier falls silent peaks at 16.1 % in ten minutes (carrier_fails_silently, seed 206).
//
// Where chances are summed exactly, one may ask instead how likely it is that as many calls are
// lost as overdraw the window, lost calls being whole, and place none that makes it likelier than
// 1 in 1,000, with debts paid back no faster than credit is spent: 78.74 % on the same seeds, 0 over.
// It is not part of the pacing: two hours instead of eight, an allowance of 5.8 calls, reach 72.09
// instead of 73.87 % (seeds 1 to 200), and of 1,200 random days (70000 to 71199) 16 are over that
// could be held, instead of 8. With that rule also trusting 0.8 of the coming allowance, not 0.45,
// and keeping 0.5 calls fewer it is 24. In windows that allow ten calls and more alone, at 3 in
// 10,000 and with debts paid back twice as fast as credit is spent, it is 10, and 78.63 %.
//
// The best that any spending can do is no more than 0.45 points away. Constant thresholds reach
// 70.4 % with nobody abandoned, 72.3 at 0.11 %, 74.0 at 0.34, 75.2 at 0.70, 76.3 at 1.13, 77.3 at
// 1.57, 78.1 at 2.00, 78.7 at 2.51, 79.4 at 3.00, 79.9 at 3.55 and 80.9 at 4.63 (seeds 1 to 60).
// Where each of 770 answers is lost with a chance that may be chosen anew, one at a time, how many
// come is known, and the 24th is never lost, a dynamic programme over answers and calls left
// reaches 79.03 % on that curve and leaves 0.7 calls. What is missing from there to 78.58 is that
// calls are lost several at a time, that nobody knows how many answers come, and what days with
// incidents ask for.
//
// A threshold on the chance that an answer finds nobody is not the cause: a threshold on what
// waiting for some seconds more would save, where people do not finish at a constant rate, was
// tried as the mean of both with exponents 0.3, 0.6 and -0.2: -0.12, -0.2 and 0.0 points at the same share.
//
// Who knows the law of every chance reaches 79.35 % at 3 % (seeds 1 to 40: 78.04 % at 2.00 %
// abandoned, 79.63 % at 3.28 %), so a tenth of a per cent of the answers abandoned is worth
// 0.12 points. The last call allowed is the dear one: where five operators lose one call
// to bad luck they sometimes lose a second with it, and near the end nothing comes that pays
// for it. Larger teams leave less: fifty operators for four hours (p01, seeds 1 to 12)
// leave 6.4 of 137, worth 0.11 points, and lose as much again in their first three minutes,
// while nothing is known of the list.
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
//	      100      1      100       95.21%  0.07%       -      2.50%      2.74%         3.3          77         402
//	               2       50       92.41%  0.08%   2.80%      2.35%      2.72%         3.2          82         437
//	               4       25       88.19%  0.11%   7.02%      2.17%      2.35%         3.0          92         514
//	              20        5       71.52%  0.21%  23.69%      1.93%      2.15%         2.4         183        1195
//	      500      1      500       99.11%  0.05%       -      2.88%      3.03%        17.0         374        1887
//	               2      250       97.89%  0.04%   1.22%      2.51%      2.65%        16.7         375        1906
//	               4      125       95.97%  0.10%   3.15%      2.43%      2.53%        16.4         381        1962
//	              20       25       87.65%  0.13%  11.46%      1.94%      1.97%        15.0         454        2552
//	   10,000     20      500       99.01%  0.01%       -      2.78%      2.79%       339.3        7472       37707
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
// Shares of abandoned calls are of what was measured, the twenty minutes before left
// out, in which a day saves: the run with 3.03 % has 2.89 % of its whole.
//
// Messages are what the nodes send to Redis, commands what it executes, those of
// scripts included (instantaneous_ops_per_sec): 19 messages and 97 commands for an
// attempt, 3 and 11 more if it is answered, 5 and 29 if it is disposed of, 6.5 and 46.5
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
