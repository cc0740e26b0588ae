-- raise lifts a counter to a value, never lowers it, and returns it.
local have, want = tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(ARGV[1])
if have < want then
  redis.call('SET', KEYS[1], ARGV[1])
  return want
end
return have
