-- renew makes the lease of a node begin anew, while it is still its own.
-- KEYS: nodes. ARGV: node, term, lease (milliseconds).
-- Returns 1, or 0 where it was over or is somebody else's.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entry = redis.call('HGET', KEYS[1], ARGV[1])
local term, ends, rest = (entry or ''):match('^(.-)\31(.-)\31(.*)$')
if term ~= ARGV[2] or tonumber(ends) <= now then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], table.concat({term, string.format('%.0f', now + ARGV[3]), rest}, '\31'))
return 1
