"""What must happen as a whole on the server, in Lua. A script is given every key that it touches."""

from __future__ import annotations

# KEYS 1: dead letters, 2: their counts by topic, 3: topics, 4: the stream of agent.deadletter
_BURY = """
local function bury(topic, group, key, body, shown, reason, attempts, time)
  redis.call('XADD', KEYS[1], '*', 'topic', topic, 'group', group, 'key', key, 'body', body, 'repr', shown,
             'reason', reason, 'attempts', attempts, 'time', time)
  redis.call('HINCRBY', KEYS[2], topic, 1)
  if topic ~= 'agent.deadletter' then
    local function text(value) if value == '' then return cjson.null end return string.sub(value, 2) end
    redis.call('SADD', KEYS[3], 'agent.deadletter')
    redis.call('XADD', KEYS[4], '*', 'b', cjson.encode({topic = topic, group = text(group), key = text(key),
               reason = reason}), 'k', key, 'g', '', 't', time)
  end
end
"""

# ARGV: group, consumer, ids. KEYS 1: stream, 2: what comes again later
_ACK = """
local done = 0
for i = 3, #ARGV do
  local held = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if held and held[2] == ARGV[2] and not redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    done = done + redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
  end
end
return done
"""

# ARGV: group, consumer, id, max_attempts, due, topic, key, body, reason, time. KEYS 5: stream, 6: what comes again
_NACK = (
    _BURY
    + """
local held = redis.call('XPENDING', KEYS[5], ARGV[1], ARGV[3], ARGV[3], 1)[1]
if not held or held[2] ~= ARGV[2] or redis.call('ZSCORE', KEYS[6], ARGV[3]) then return 0 end
if held[4] >= tonumber(ARGV[4]) then
  local reason = ARGV[9] .. ' (delivered ' .. held[4] .. ' times)'
  bury(ARGV[6], '=' .. ARGV[1], ARGV[7], ARGV[8], '', reason, held[4], ARGV[10])
  redis.call('XACK', KEYS[5], ARGV[1], ARGV[3])
else
  redis.call('ZADD', KEYS[6], ARGV[5], ARGV[3])
end
return 1
"""
)

# ARGV: group, consumer, now, limit, lease in ms, max_attempts, topic. KEYS 5: stream, 6: what comes again
# Gives [id, fields, attempts] for each message that is due again; buries what was tried too often.
_AGAIN = (
    _BURY
    + """
local ids, why = {}, {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', ARGV[3], 'LIMIT', 0, ARGV[4])) do
  redis.call('ZREM', KEYS[6], id)
  table.insert(ids, id)
  why[id] = 'its consumer left'
end
for _, held in ipairs(redis.call('XPENDING', KEYS[5], ARGV[1], 'IDLE', ARGV[5], '-', '+', ARGV[4])) do
  if not why[held[1]] and not redis.call('ZSCORE', KEYS[6], held[1]) then
    table.insert(ids, held[1])
    why[held[1]] = 'not acknowledged within ' .. (ARGV[5] / 1000) .. ' s'
  end
end
local found = {}
for _, id in ipairs(ids) do
  local held = redis.call('XPENDING', KEYS[5], ARGV[1], id, id, 1)[1]
  local entry = redis.call('XRANGE', KEYS[5], id, id)[1]
  if held and not entry then
    redis.call('XACK', KEYS[5], ARGV[1], id)
  elseif held and held[4] >= tonumber(ARGV[6]) then
    local f = {}
    for i = 1, #entry[2], 2 do f[entry[2][i]] = entry[2][i + 1] end
    local reason = why[id] .. ' (delivered ' .. held[4] .. ' times)'
    bury(ARGV[7], '=' .. ARGV[1], f.k, '=' .. f.b, '', reason, held[4], ARGV[3])
    redis.call('XACK', KEYS[5], ARGV[1], id)
  elseif held then
    redis.call('XCLAIM', KEYS[5], ARGV[1], ARGV[2], 0, id)
    table.insert(found, {id, entry[2], held[4] + 1})
  end
end
return found
"""
)

# ARGV: group, consumer. KEYS 1: stream, 2: what comes again. Gives back at once all that a consumer holds.
_LEAVE = """
for _, held in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1000000, ARGV[2])) do
  redis.call('ZADD', KEYS[2], 'NX', 0, held[1])
end
"""

# ARGV: topic, max_length, time. KEYS 5: stream. Removes the oldest messages; what is on loan stays.
_TRIM = (
    _BURY
    + """
local surplus = redis.call('XLEN', KEYS[5]) - tonumber(ARGV[2])
if surplus <= 0 then return 0 end
local function later(a, b)
  local am, as = string.match(a, '(%d+)-(%d+)')
  local bm, bs = string.match(b, '(%d+)-(%d+)')
  am, as, bm, bs = tonumber(am), tonumber(as), tonumber(bm), tonumber(bs)
  return am > bm or (am == bm and as > bs)
end
local entries = redis.call('XRANGE', KEYS[5], '-', '+', 'COUNT', surplus)
local last = entries[#entries][1]
local kept = {}
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[5])) do
  local g = {}
  for i = 1, #info, 2 do g[info[i]] = info[i + 1] end
  local held = {}
  if g.pending > 0 then
    for _, it in ipairs(redis.call('XPENDING', KEYS[5], g.name, '-', last, surplus)) do kept[it[1]] = true end
  end
  for _, entry in ipairs(entries) do
    if later(entry[1], g['last-delivered-id']) then
      local f = {}
      for i = 1, #entry[2], 2 do f[entry[2][i]] = entry[2][i + 1] end
      if f.g == '' or f.g == g.name then
        bury(ARGV[1], '=' .. g.name, f.k, '=' .. f.b, '', 'queue full (' .. ARGV[2] .. ' messages)', 0, ARGV[3])
      end
    end
  end
  if later(last, g['last-delivered-id']) then redis.call('XGROUP', 'SETID', KEYS[5], g.name, last) end
end
for _, entry in ipairs(entries) do
  if not kept[entry[1]] then redis.call('XDEL', KEYS[5], entry[1]) end
end
return surplus
"""
)

# KEYS 1: stream. ARGV: group, id of the last message it was given. How many it was not given yet.
_LAG = """
local count = 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[2], '+')) do
  local only = ''
  for i = 1, #entry[2], 2 do if entry[2][i] == 'g' then only = entry[2][i + 1] end end
  if only == '' or only == ARGV[1] then count = count + 1 end
end
return count
"""

# ARGV: id, 'redrive' or 'purge', time. KEYS 1: dead letters, 2: counts, 3: topics, 4: stream. Takes a
# letter out, and into its stream again if asked to; 0 if another was faster.
_EXHUME = """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local f = {}
for i = 1, #entry[2], 2 do f[entry[2][i]] = entry[2][i + 1] end
if ARGV[2] == 'redrive' then
  if f.body == '' then return 0 end
  redis.call('SADD', KEYS[3], f.topic)
  redis.call('XADD', KEYS[4], '*', 'b', string.sub(f.body, 2), 'k', f.key, 'g', string.sub(f.group, 2), 't', ARGV[3])
end
redis.call('XDEL', KEYS[1], ARGV[1])
if redis.call('HINCRBY', KEYS[2], f.topic, -1) <= 0 then redis.call('HDEL', KEYS[2], f.topic) end
return 1
"""

SCRIPTS = {
    "ack": _ACK,
    "nack": _NACK,
    "again": _AGAIN,
    "leave": _LEAVE,
    "trim": _TRIM,
    "lag": _LAG,
    "exhume": _EXHUME,
    "bury": _BURY + "bury(unpack(ARGV))",
}
"""Script by name. Optional texts are "" for none, else start with "="; a field ``g`` of "" is for all groups."""
