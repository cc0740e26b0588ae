-- pages reads leads with who holds each of them, at one moment.
-- KEYS: held; pages. ARGV: number of shards, this shard, leads of a page; then the
-- number of each page.
-- Returns id, record and holder ('' where nobody is) of each lead.
local held, found = KEYS[1], {}
for i = 2, #KEYS do
  local page = redis.call('HGETALL', KEYS[i])
  local ids = {}
  for k = 1, #page, 2 do
    local lead = (ARGV[i + 2] * ARGV[3] + page[k]) * ARGV[1] + ARGV[2]
    ids[#ids + 1] = string.format('%.0f', lead)
  end
  if #ids > 0 then
    local holders = redis.call('HMGET', held, unpack(ids))
    for k = 1, #ids do
      found[#found + 1] = ids[k]
      found[#found + 1] = page[2 * k]
      found[#found + 1] = holders[k] or ''
    end
  end
end
return found
