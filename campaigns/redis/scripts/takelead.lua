-- takelead leases one lead, where it is still as it was read and nobody holds it.
-- KEYS: held, fence, generation, page, ready set, waiting set.
-- ARGV: lead; generation; place in the page, record; members of the ready and the waiting
-- set; end of the lease, node, campaign, segment, window.
-- Returns the fence, or 0 where anything changed.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 or (redis.call('GET', KEYS[3]) or '') ~= ARGV[2]
    or redis.call('HGET', KEYS[4], ARGV[3]) ~= ARGV[4] then
  return 0
end
redis.call('ZREM', KEYS[5], ARGV[5])
redis.call('ZREM', KEYS[6], ARGV[6])
local fence = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], ARGV[1], table.concat(
  {'claimed', string.format('%.0f', fence), ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ''}, '\31'))
return fence
