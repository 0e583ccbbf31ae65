import type { Db } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Maximum number of chats that one statement routes. */
const BATCH_SIZE = 100;

/**
 * Join condition: the agent `o` is valid only if the user (`d` in the directory) has not left since the declaration.
 */
export const STILL_OPERATOR = sql`d.user_id = o.user_id and d.status = 'active' and d.lifecycle_version = o.lifecycle_version`;
/** The number of open chats of the agent `o`. */
export const OPEN_CHATS = sql`(select count(*) from live_chat c where c.operator_id = o.user_id and c.status = 'open')`;

/**
 * Serializes routing in an account until the transaction ends, so that the loads do not change while they are compared.
 */
export async function lockRouting(db: Db, accountId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`live chats ${accountId}`}, 0))`.execute(db);
}

/**
 * Assigns the account's queued chats, oldest first, each to the available agent with the fewest open chats, and among
 * equals to the one with the oldest last chat. Chats beyond all limits stay in the queue. The agents' directory rows
 * are locked in share mode, so that no agent leaves meanwhile; agents with a departure in progress are skipped.
 * @returns the number of routed chats, at most `BATCH_SIZE`; call it again until it returns 0
 */
export async function routeWaiting(db: Db, accountId: string, now: Date): Promise<number> {
  if (!(await canRoute(db, accountId))) return 0;
  await lockRouting(db, accountId);
  // A slot is room for one more chat of an agent. `more` numbers the agent's slots, and `open + more` is the load with
  // it.
  const { rows } = await sql`
    with queue as (
      select id, row_number() over (order by id) as n from (
        select id from live_chat where account_id = ${accountId} and status = 'queued' order by id limit ${BATCH_SIZE} for update skip locked) waiting
    ), operator as materialized (
      select o.user_id, o.last_chat_at, ${OPEN_CHATS} as open, o.max_chats
      from chat_operator o join directory d on ${STILL_OPERATOR}
      where o.account_id = ${accountId} and o.available for key share of d skip locked
    ), slot as (
      select user_id, row_number() over (order by open + more, more, last_chat_at nulls first, user_id) as n
      from operator cross join lateral generate_series(1, least(max_chats - open, ${BATCH_SIZE})) more
    ), routed as (
      update live_chat c set status = 'open', operator_id = slot.user_id from queue join slot using (n)
      where c.id = queue.id and c.status = 'queued' returning c.id, c.operator_id
    ), noted as (
      update chat_operator o set last_chat_at = ${now} where o.user_id in (select operator_id from routed)
    )
    select id from routed`.execute(db);
  return rows.length;
}

/** A cheap check before taking the lock: most accounts have no available agent, or no queued chat. */
async function canRoute(db: Db, accountId: string): Promise<boolean> {
  const { rows } = await sql<{ worthwhile: boolean }>`
    select exists (select 1 from chat_operator where account_id = ${accountId} and available)
      and exists (select 1 from live_chat where account_id = ${accountId} and status = 'queued') as worthwhile`.execute(
    db,
  );
  return rows[0]!.worthwhile;
}

/** Records that a user got a chat other than by routing. Has no effect if the user has not declared availability. */
export async function recordNewChat(db: Db, userId: string, now: Date): Promise<void> {
  await sql`update chat_operator set last_chat_at = ${now} where user_id = ${userId}`.execute(db);
}
