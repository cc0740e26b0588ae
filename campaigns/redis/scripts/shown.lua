-- shown is what the nodes show.
-- KEYS: nodes. ARGV: what the key of a node begins with.
-- Returns name and state of each that shows something.
local out = {}
for _, node in ipairs(redis.call('HKEYS', KEYS[1])) do
  local state = redis.call('GET', ARGV[1] .. node)
  if state then
    out[#out + 1] = node
    out[#out + 1] = state
  end
end
return out
