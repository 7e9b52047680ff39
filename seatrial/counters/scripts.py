"""What Valkey does for us in one step: one Lua script per operation.

Lua counts in floats, exact up to 9·10¹⁵ only.  So every amount travels and is kept in two parts,
of 10¹² units: money is exact to the last of them, whatever the ceiling.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

BASE: Final = 10**12
KEPT_MS: Final = 86_400_000  # past its end an account still takes settlements

_PRELUDE: Final = """
local BASE = 1000000000000
local function text(x) return string.format('%.0f', x) end
local function add(ah, al, bh, bl)
  local l = al + bl
  if l >= BASE then return ah + bh + 1, l - BASE end
  return ah + bh, l
end
local function less(ah, al, bh, bl) return ah < bh or (ah == bh and al < bl) end
local function sub(ah, al, bh, bl) -- never below nothing
  if less(ah, al, bh, bl) then return 0, 0 end
  if al < bl then return ah - bh - 1, al - bl + BASE end
  return ah - bh, al - bl
end
local function lower(ah, al, bh, bl)
  if less(ah, al, bh, bl) then return ah, al end
  return bh, bl
end
local function split(x) local h = math.floor(x / BASE) return h, x - h * BASE end
local function now_us()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end
-- An account: h, l is its level; g what is gone and t until when the level is right, where it
-- refills; e, f what replicas hold as leases, where it does not.
local function load(key)
  local v = redis.call('HMGET', key, 'h', 'l', 'g', 't', 'e', 'f')
  return {h = tonumber(v[1] or 0), l = tonumber(v[2] or 0), g = tonumber(v[3] or 0),
          t = tonumber(v[4] or 0), e = tonumber(v[5] or 0), f = tonumber(v[6] or 0)}
end
local function drain(a, now, ceiling, refill)
  if a.t == 0 or now < a.t then a.t = now end -- new, or the clock was set back
  local level = a.h * BASE + a.l
  local run = math.floor((now - a.t) * ceiling / refill)
  if run >= level then
    a.g = a.g + level
    a.h, a.l, a.t = 0, 0, now
  elseif run > 0 then
    a.g = a.g + run
    a.h, a.l = split(level - run)
    a.t = a.t + math.ceil(run * refill / ceiling)
  end
end
local function save(key, a, refill)
  if refill > 0 then
    redis.call('HSET', key, 'h', text(a.h), 'l', text(a.l), 'g', text(a.g), 't', text(a.t))
  else
    redis.call('HSET', key, 'h', text(a.h), 'l', text(a.l))
  end
end
local function expire(key, refill, lease_ms, ends_ms)
  if refill > 0 then
    local wanted = math.ceil(refill / 1000) + lease_ms + 1000
    if redis.call('PTTL', key) < wanted then redis.call('PEXPIRE', key, text(wanted)) end
  elseif ends_ms > 0 then
    redis.call('PEXPIREAT', key, text(ends_ms + 86400000))
  end
end
"""

# KEYS: epoch, young, reservation, then an account per ask.
# ARGV: epoch, lease in ms, whether to take it whatever the ceiling; then six per ask: amount,
# ceiling, refill in µs or 0, end in ms or 0.
_RESERVE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
if redis.call('EXISTS', KEYS[3]) == 1 then return {1} end
local lease_ms, force = tonumber(ARGV[2]), ARGV[3] == '1'
local young = not force and redis.call('EXISTS', KEYS[2]) == 1
local now = now_us()
local seen, marks = {}, {}
for i = 1, #KEYS - 3 do
  local key, at = KEYS[i + 3], 3 + (i - 1) * 6
  local ah, al = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local ch, cl = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local refill = tonumber(ARGV[at + 5])
  local a = seen[key]
  if not a then
    a = load(key)
    if refill > 0 then drain(a, now, ch * BASE + cl, refill) end
    seen[key] = a
  end
  if young and refill == 0 and ah + al > 0 then return {-2} end
  local th, tl = a.h, a.l
  if refill == 0 then th, tl = add(th, tl, a.e, a.f) end
  local lh, ll = sub(ch, cl, th, tl)
  if not force and less(lh, ll, ah, al) then
    local wait = -1
    local c, wanted = ch * BASE + cl, ah * BASE + al
    local before = 0
    for j = 1, i - 1 do
      if KEYS[j + 3] == key then
        local own = 3 + (j - 1) * 6
        before = before + tonumber(ARGV[own + 1]) * BASE + tonumber(ARGV[own + 2])
      end
    end
    if refill > 0 and c > 0 and wanted + before <= c then
      wait = math.max(0, (a.h * BASE + a.l + wanted - c) * refill / c - (now - a.t))
    end
    return {0, i - 1, text(lh), text(ll), text(math.ceil(wait))}
  end
  a.h, a.l = add(a.h, a.l, ah, al)
  marks[i] = refill > 0 and a.h * BASE + a.l + a.g or -1
end
local reply = {1}
for i = 1, #KEYS - 3 do
  local key, at = KEYS[i + 3], 3 + (i - 1) * 6
  local a, refill = seen[key], tonumber(ARGV[at + 5])
  save(key, a, refill)
  expire(key, refill, lease_ms, tonumber(ARGV[at + 6]))
  redis.call('RPUSH', KEYS[3], key, ARGV[at + 1], ARGV[at + 2], text(marks[i]))
  reply[#reply + 1] = text(a.h)
  reply[#reply + 1] = text(a.l)
end
if #KEYS > 3 then redis.call('PEXPIRE', KEYS[3], text(lease_ms)) end
return reply
"""

# KEYS: reservation.  ARGV: for how many ms an unknown id is remembered, so that a reservation
# still on its way is not taken; then two per ask: what was used.
_SETTLE: Final = """
local held = redis.call('LRANGE', KEYS[1], 0, -1)
local void_ms = tonumber(ARGV[1])
if #held == 1 then return 0 end
redis.call('DEL', KEYS[1])
if void_ms > 0 then
  redis.call('RPUSH', KEYS[1], '')
  redis.call('PEXPIRE', KEYS[1], text(void_ms))
end
for i = 1, #held / 4 do
  local key = held[(i - 1) * 4 + 1]
  local rh, rl = tonumber(held[(i - 1) * 4 + 2]), tonumber(held[(i - 1) * 4 + 3])
  local mark = tonumber(held[(i - 1) * 4 + 4])
  local uh, ul = tonumber(ARGV[i * 2] or rh), tonumber(ARGV[i * 2 + 1] or rl)
  if redis.call('EXISTS', key) == 1 then
    local a = load(key)
    if less(uh, ul, rh, rl) then
      local bh, bl = sub(rh, rl, uh, ul)
      -- What time has emptied already cannot be given back a second time.
      if mark >= 0 then bh, bl = lower(bh, bl, split(math.max(0, mark - a.g))) end
      bh, bl = lower(bh, bl, a.h, a.l)
      a.h, a.l = sub(a.h, a.l, bh, bl)
      if mark >= 0 then redis.call('HINCRBY', key, 'g', text(bh * BASE + bl)) end
    else
      local bh, bl = sub(uh, ul, rh, rl)
      a.h, a.l = add(a.h, a.l, bh, bl)
    end
    redis.call('HSET', key, 'h', text(a.h), 'l', text(a.l))
  end
end
return #held / 4
"""

# KEYS: accounts.  ARGV: three per account: ceiling, refill in µs or 0.
_USED: Final = """
local now, reply = now_us(), {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 3
  local a, refill = load(key), tonumber(ARGV[at + 3])
  local ceiling = tonumber(ARGV[at + 1]) * BASE + tonumber(ARGV[at + 2])
  if refill > 0 then drain(a, now, ceiling, refill) end
  reply[#reply + 1] = text(a.h)
  reply[#reply + 1] = text(a.l)
end
return reply
"""

# KEYS: accounts.  ARGV: six per account, as for a reservation.
_LIFT: Final = """
local now = now_us()
for i, key in ipairs(KEYS) do
  local at = (i - 1) * 6
  local refill = tonumber(ARGV[at + 5])
  local a = load(key)
  if refill > 0 then
    drain(a, now, tonumber(ARGV[at + 3]) * BASE + tonumber(ARGV[at + 4]), refill)
  end
  local h, l = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if less(a.h, a.l, h, l) then a.h, a.l = h, l end
  save(key, a, refill)
  expire(key, refill, 0, tonumber(ARGV[at + 6]))
end
return 1
"""

# KEYS: epoch, young.  ARGV: the epoch that the caller knows or nothing, how long to stay young.
# An epoch ends when what Valkey held is lost; whoever remembers it puts back what it saw, and
# until everybody had the time to, nothing that only a calendar empties is granted.
_ADOPT: Final = """
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = text(now_us())
  redis.call('SET', KEYS[1], epoch)
end
if ARGV[1] ~= '' and ARGV[1] ~= epoch then redis.call('SET', KEYS[2], '1', 'PX', ARGV[2]) end
return epoch
"""

# KEYS: the replicas, epoch, the server's run.  ARGV: one's name, for how many ms a sign of life
# holds, whether to stay or leave.  A server that was started again, or another that took over,
# may have an older state: a new epoch begins.
_BEAT: Final = """
local now = math.floor(now_us() / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local known = redis.call('GET', KEYS[3])
if known ~= run then
  redis.call('SET', KEYS[3], run)
  if known then redis.call('SET', KEYS[2], text(now_us())) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - tonumber(ARGV[2])))
if ARGV[3] == 'leave' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], text(now), ARGV[1])
end
return redis.call('ZCARD', KEYS[1])
"""

# KEYS: epoch, account, its leases.  ARGV: epoch, replica, ceiling, the share of what is left,
# end of the account in ms or 0, for how many ms the lease holds, whether it may become less.
_LEASE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
local now = now_us()
local a = load(KEYS[2])
local oh, ol = 0, 0
local all = redis.call('HGETALL', KEYS[3])
for i = 1, #all, 2 do
  local h, l, ends = string.match(all[i + 1], '^(%d+):(%d+):(%d+)$')
  if all[i] == ARGV[2] then
    oh, ol = tonumber(h), tonumber(l)
  elseif tonumber(ends) < now then
    a.e, a.f = sub(a.e, a.f, tonumber(h), tonumber(l))
    redis.call('HDEL', KEYS[3], all[i])
  end
end
a.e, a.f = sub(a.e, a.f, oh, ol)
local th, tl = add(a.h, a.l, a.e, a.f)
local lh, ll = sub(tonumber(ARGV[3]), tonumber(ARGV[4]), th, tl)
local nh, nl = split(math.floor((lh * BASE + ll) * tonumber(ARGV[5])))
local shrink = ARGV[8] == '1'
local wanted_h, wanted_l = nh, nl
if not shrink and less(nh, nl, oh, ol) then nh, nl = oh, ol end
a.e, a.f = add(a.e, a.f, nh, nl)
redis.call('HSET', KEYS[2], 'h', text(a.h), 'l', text(a.l), 'e', text(a.e), 'f', text(a.f))
redis.call('HSET', KEYS[3], ARGV[2],
  text(nh) .. ':' .. text(nl) .. ':' .. text(now + tonumber(ARGV[7]) * 1000))
expire(KEYS[2], 0, 0, tonumber(ARGV[6]))
expire(KEYS[3], 0, 0, tonumber(ARGV[6]))
return {1, text(nh), text(nl), text(wanted_h), text(wanted_l), text(a.h), text(a.l)}
"""


@dataclass(frozen=True, slots=True)
class Script:
    """One operation.

    Args:
        source: in Lua.
        sha: by which the server knows it.
    """

    source: str
    sha: str


def _script(body: str) -> Script:
    source = _PRELUDE + body
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


RESERVE: Final = _script(_RESERVE)
SETTLE: Final = _script(_SETTLE)
USED: Final = _script(_USED)
LIFT: Final = _script(_LIFT)
ADOPT: Final = _script(_ADOPT)
BEAT: Final = _script(_BEAT)
LEASE: Final = _script(_LEASE)
ALL: Final = (RESERVE, SETTLE, USED, LIFT, ADOPT, BEAT, LEASE)
