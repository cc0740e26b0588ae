-- join gives a node its name, if nobody has it.
-- KEYS: nodes. ARGV: node, term, home, about, for whom, lease and how long a lease
-- must be over (milliseconds), URL.
-- Returns {} or who has it: {its entry, milliseconds left}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if entry then
  local term, ends, home = entry:match('^(.-)\31(.-)\31(.-)\31')
  local left = tonumber(ends) - now
  local ours = term == ARGV[2] or (home ~= '' and home == ARGV[3])
  if not ours and left > -tonumber(ARGV[7]) then
    return {entry, string.format('%.0f', left)}
  end
end
redis.call('HSET', KEYS[1], ARGV[1], table.concat(
  {ARGV[2], string.format('%.0f', now + ARGV[6]), ARGV[3], ARGV[4], ARGV[5], ARGV[8], '0'}, '\31'))
return {}
