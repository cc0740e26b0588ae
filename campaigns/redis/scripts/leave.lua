-- leave gives the name of a node back, and its shares of limits.
-- KEYS: nodes, limits. ARGV: node, term, what the hashes of limits begin with.
local entry = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if entry:sub(1, #ARGV[2] + 1) ~= ARGV[2] .. '\31' then
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
for _, limit in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  redis.call('HDEL', ARGV[3] .. limit, ARGV[1])
end
return 0
