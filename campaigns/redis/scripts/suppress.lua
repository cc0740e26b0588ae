-- suppress puts numbers on the do-not-call list; those on it keep their entry.
-- KEYS: entries, order. ARGV: number and entry of each.
for i = 1, #ARGV, 2 do
  if redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) == 1 then
    redis.call('ZADD', KEYS[2], 0, ARGV[i])
  end
end
return 0
