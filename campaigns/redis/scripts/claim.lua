-- claim is peek and take in one step, where all leads are in one shard: nobody can
-- come in between. peek and take are the scripts of these names.
-- KEYS: those of peek; fence.
-- ARGV: those of peek (4); end of the lease, node, prefix of pages, leads of a page;
-- then campaign, segment, window of each queue.
-- Returns what peek returns, and what take does.
local fence = table.remove(KEYS)
local best = peek(KEYS, ARGV)
local chosen = {ARGV[5], ARGV[6]}
for i = 1, #best, 3 do
  local q, member, id = best[i], best[i + 2], 0
  for k = 9, 13 do id = id * 256 + member:byte(k) end
  local name = 9 + 3 * (q - 1)
  for _, x in ipairs({
    KEYS[2 * q], member, ARGV[7] .. string.format('%.0f', math.floor(id / ARGV[8])), string.format('%.0f', id % ARGV[8]),
    ARGV[name], ARGV[name + 1], ARGV[name + 2],
  }) do
    chosen[#chosen + 1] = x
  end
end
return {best, take({KEYS[1], fence}, chosen)}
