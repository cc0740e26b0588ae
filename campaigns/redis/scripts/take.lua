-- take leases leads that peek found, where they are still there and nobody
-- holds them.
-- KEYS: held, fence.
-- ARGV: end of the lease, node; then for each: ready set, member, page, place
-- in the page, campaign, segment, window.
-- Returns number (from 1), fence and record of each that was taken.
local function lead(member)
  local n = 0
  for i = 9, 13 do n = n * 256 + member:byte(i) end
  return string.format('%.0f', n)
end

local taken = {}
local n = 1
for i = 3, #ARGV, 7 do
  local id = lead(ARGV[i + 1])
  if redis.call('HEXISTS', KEYS[1], id) == 0 and redis.call('ZREM', ARGV[i], ARGV[i + 1]) == 1 then
    local fence = redis.call('INCR', KEYS[2])
    redis.call('HSET', KEYS[1], id, table.concat(
      {'claimed', string.format('%.0f', fence), ARGV[1], ARGV[2], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ''}, '\31'))
    taken[#taken + 1] = n
    taken[#taken + 1] = fence
    taken[#taken + 1] = redis.call('HGET', ARGV[i + 2], ARGV[i + 3]) or ''
  end
  n = n + 1
end
return taken
