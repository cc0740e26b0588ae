-- leave gives the name of a node back.
-- KEYS: nodes. ARGV: node, term.
local entry = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if entry:sub(1, #ARGV[2] + 1) == ARGV[2] .. '\31' then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0
